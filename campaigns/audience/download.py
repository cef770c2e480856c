"""Lists that are fetched: `contacts.file` may be a URL, whose content is put beside the campaign file."""

from __future__ import annotations

import time
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import httpx

from dialer.errors import DialerError

READ_TIMEOUT = 60.0  # without a word
MAX_SECONDS = 600.0  # all of it: whoever launches holds a lease that is longer
MAX_BYTES = 1 << 30
KNOWN_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")


class DownloadFailed(DialerError):
    """The list could not be fetched; nothing was started."""


def is_url(file: str) -> bool:
    """Whether the list has to be fetched."""
    return file.startswith(("http://", "https://"))


def download(url: str, folder: Path, name: str, within: float = MAX_SECONDS) -> Path:
    """Fetch a list anew, beside the campaign file, for its owner only. Raises DownloadFailed, also after `within` s."""
    file = folder / f".{name}-list{_suffix(url)}"
    half = file.with_name(f"{file.name}.part")
    try:
        half.touch(mode=0o600)
        _save(url, half, time.monotonic() + within)
        half.replace(file)
    except httpx.HTTPError as exc:
        raise DownloadFailed(f"{_shown(url)}: {exc or type(exc).__name__}", "see that the address answers") from None
    except (httpx.InvalidURL, UnicodeError):
        raise _no_address() from None
    except OSError as exc:
        raise DownloadFailed(f"{file}: {exc.strerror}", "the fetched list is put beside the campaign file") from None
    finally:
        half.unlink(missing_ok=True)
    return file


def _suffix(url: str) -> str:
    """What says which kind of file it is."""
    try:
        suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    except ValueError:
        raise _no_address() from None
    return suffix if suffix in KNOWN_SUFFIXES else ".csv"


def _no_address() -> DownloadFailed:
    return DownloadFailed("contacts.file begins as an address does and is none", "correct the address")


def downloaded_lists(folder: Path, name: str) -> list[Path]:
    """The lists of a campaign file that were fetched into its folder, and are there until it is read again."""
    return [file for suffix in KNOWN_SUFFIXES if (file := folder / f".{name}-list{suffix}").is_file()]


def _save(url: str, half: Path, until: float) -> None:
    size = 0
    with httpx.stream("GET", url, timeout=READ_TIMEOUT, follow_redirects=True) as reply, half.open("wb") as stream:
        if reply.status_code != httpx.codes.OK:
            raise DownloadFailed(f"{_shown(url)}: it answers {reply.status_code}", "see that the address is right")
        for part in reply.iter_bytes():
            size += len(part)
            if size > MAX_BYTES:
                raise DownloadFailed(f"{_shown(url)}: the list is larger than a gigabyte", "split it")
            if time.monotonic() > until:
                raise DownloadFailed(f"{_shown(url)}: it sends too slowly", "see why, or fetch it by other means")
            stream.write(part)


def _shown(url: str) -> str:
    """The address without what may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
