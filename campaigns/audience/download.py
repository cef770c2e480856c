"""Downloads a list when `contacts.file` is a URL; the file is stored beside the campaign file."""

from __future__ import annotations

import time
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import httpx

from dialer.errors import DialerError

READ_TIMEOUT = 60.0  # seconds in which the server sends nothing
MAX_SECONDS = 600.0  # for the whole download; the lease of a launch is longer
MAX_BYTES = 1 << 30
KNOWN_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")


class DownloadFailed(DialerError):
    """The list could not be downloaded; nothing was started."""


def is_url(file: str) -> bool:
    """Whether `contacts.file` is a URL, http or https."""
    return file.startswith(("http://", "https://"))


def download(url: str, folder: Path, name: str, max_seconds: float = MAX_SECONDS) -> Path:
    """Download a list into `folder`, replacing an earlier one; only its owner can read it. Raises DownloadFailed.

    `name` is the campaign's. The whole download may take `max_seconds`.
    """
    file = folder / f".{name}-list{_suffix(url)}"
    partial_file = file.with_name(f"{file.name}.part")
    try:
        partial_file.touch(mode=0o600)
        _save(url, partial_file, time.monotonic() + max_seconds)
        partial_file.replace(file)
    except httpx.HTTPError as exc:
        raise DownloadFailed(f"{_public(url)}: {exc or type(exc).__name__}", "see that the address answers") from None
    except (httpx.InvalidURL, UnicodeError):
        raise _bad_url() from None
    except OSError as exc:
        raise DownloadFailed(f"{file}: {exc.strerror}", "the fetched list is put beside the campaign file") from None
    finally:
        partial_file.unlink(missing_ok=True)
    return file


def _suffix(url: str) -> str:
    """The suffix of the URL's path if it is one of a list, else .csv."""
    try:
        suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    except ValueError:
        raise _bad_url() from None
    return suffix if suffix in KNOWN_SUFFIXES else ".csv"


def _bad_url() -> DownloadFailed:
    return DownloadFailed("contacts.file begins as an address does and is none", "correct the address")


def downloaded_lists(folder: Path, name: str) -> list[Path]:
    """The downloaded lists of a campaign in its folder; each stays there until the next download."""
    return [file for suffix in KNOWN_SUFFIXES if (file := folder / f".{name}-list{suffix}").is_file()]


def _save(url: str, partial_file: Path, deadline: float) -> None:
    size = 0
    with (
        httpx.stream("GET", url, timeout=READ_TIMEOUT, follow_redirects=True) as reply,
        partial_file.open("wb") as stream,
    ):
        if reply.status_code != httpx.codes.OK:
            raise DownloadFailed(f"{_public(url)}: it answers {reply.status_code}", "see that the address is right")
        for chunk in reply.iter_bytes():
            size += len(chunk)
            if size > MAX_BYTES:
                raise DownloadFailed(f"{_public(url)}: the list is larger than a gigabyte", "split it")
            if time.monotonic() > deadline:
                raise DownloadFailed(f"{_public(url)}: it sends too slowly", "see why, or fetch it by other means")
            stream.write(chunk)


def _public(url: str) -> str:
    """The URL without user, password and query, which may be secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
