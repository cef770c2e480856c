"""Downloads a list when `contacts.file` is a URL; the file is stored beside the campaign file."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx

from dialer.errors import DialerError
from dialer.internal_networks import is_internal
from dialer.whole_file import part_of

READ_TIMEOUT = 60.0  # seconds in which the server sends nothing
MAX_SECONDS = 600.0  # for the whole download; the lease of a launch is longer
MAX_BYTES = 1 << 30  # as it comes, and as it is decoded
MAX_RATIO = 200  # lists are packed some 10 times smaller
RATIO_COUNTS_FROM = 16 << 20
MAX_REDIRECTS = 5
PIECE = 1 << 16
KNOWN_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
PORTS = {"http": 80, "https": 443}
CONNECTED = "connection.connect_tcp.complete"  # an event of httpx's "trace" extension
Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]
REDIRECT_REMEDY = "write the address that it leads to, or name its host in contacts.redirect_hosts if you trust it"


class DownloadFailed(DialerError):
    """The list could not be downloaded; nothing was started."""


def is_url(file: str) -> bool:
    """Whether `contacts.file` is a URL, http or https."""
    return file.startswith(("http://", "https://"))


def download(
    url: str, folder: Path, name: str, *, redirect_hosts: Collection[str] = (), max_seconds: float = MAX_SECONDS
) -> Path:
    """Download a list into `folder`, replacing an earlier one; only its owner can read it. Raises DownloadFailed.

    `name` is the campaign's. The whole download may take `max_seconds`. A redirect is followed on the same host, and to
    `redirect_hosts`.
    """
    file = folder / f".{name}-list{_suffix(url)}"
    try:
        with part_of(file) as part:
            with part.open("wb") as stream:
                asyncio.run(_within(max_seconds, url, redirect_hosts, stream))
            part.replace(file)
    except httpx.HTTPError as exc:
        raise DownloadFailed(f"{_public(url)}: {exc or type(exc).__name__}", "see that the address answers") from None
    except TimeoutError:
        raise DownloadFailed(f"{_public(url)}: it sends too slowly", "see why, or fetch it by other means") from None
    except (httpx.InvalidURL, UnicodeError):
        raise _bad_url() from None
    except OSError as exc:
        raise DownloadFailed(f"{file}: {exc.strerror}", "the fetched list is put beside the campaign file") from None
    return file


def _suffix(url: str) -> str:
    """The suffix of the URL's path if it is one of a list, else .csv."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        suffix = PurePosixPath(parts.path).suffix.lower()
    except ValueError:
        raise _bad_url() from None
    return suffix if suffix in KNOWN_SUFFIXES else ".csv"


def _bad_url() -> DownloadFailed:
    return DownloadFailed("contacts.file begins as an address does and is none", "correct the address")


def downloaded_lists(folder: Path, name: str) -> list[Path]:
    """The downloaded lists of a campaign in its folder; each stays there until the next download."""
    return [file for suffix in KNOWN_SUFFIXES if (file := folder / f".{name}-list{suffix}").is_file()]


async def _within(max_seconds: float, url: str, redirect_hosts: Collection[str], stream: BinaryIO) -> None:
    async with asyncio.timeout(max_seconds), httpx.AsyncClient(timeout=READ_TIMEOUT) as client:
        address, peers = httpx.URL(url), list[str]()
        for _ in range(MAX_REDIRECTS + 1):
            watch = _refuse_internal(url, peers, is_trusted=address.host in redirect_hosts)
            # Its own headers: httpx would ask for encodings that are not read here.
            headers = {"Accept-Encoding": "gzip"}
            async with client.stream("GET", address, headers=headers, extensions={"trace": watch}) as reply:
                if not reply.has_redirect_location:
                    await _save(url, reply, stream)
                    return
                address = _next_address(url, address, reply, redirect_hosts)
        raise DownloadFailed(f"{_public(url)}: it leads from one address to the next", "see that the address is right")


def _refuse_internal(url: str, peers: list[str], *, is_trusted: bool) -> Trace:
    """Refuses a connection to an internal address before anything is sent, unless the list's own server has it.

    `peers` are the addresses connected to so far; the first is that of the list's own server. By a name alone it cannot
    be told: the same name may lead elsewhere the next time.
    """

    async def watch(event: str, facts: Mapping[str, Any]) -> None:
        if event != CONNECTED:
            return
        connection = facts["return_value"]
        peer = str(connection.get_extra_info("server_addr")[0])
        if not (is_trusted or not peers or peer == peers[0]) and is_internal(peer):
            await connection.aclose()
            raise DownloadFailed(f"{_public(url)}: it leads to an internal address", REDIRECT_REMEDY)
        peers.append(peer)

    return watch


def _next_address(url: str, here: httpx.URL, reply: httpx.Response, redirect_hosts: Collection[str]) -> httpx.URL:
    """Where a redirect leads. Raises DownloadFailed when that is another server, or no longer encrypted."""
    there = here.join(reply.headers["location"])
    if there.scheme not in PORTS:
        raise DownloadFailed(f"{_public(url)}: it leads to an address of {there.scheme[:20]}", REDIRECT_REMEDY)
    if there.host in redirect_hosts:
        return there
    if there.host != here.host:
        raise DownloadFailed(f"{_public(url)}: it leads to another host, {there.host[:100]}", REDIRECT_REMEDY)
    if (here.scheme, there.scheme) == ("https", "http"):
        raise DownloadFailed(f"{_public(url)}: it leads from https to http", REDIRECT_REMEDY)
    if _port(there) != _port(here) and {_port(here), _port(there)} != set(PORTS.values()):
        raise DownloadFailed(f"{_public(url)}: it leads to another port, {_port(there)}", REDIRECT_REMEDY)
    return there


def _port(address: httpx.URL) -> int:
    return address.port or PORTS[address.scheme]


async def _save(url: str, reply: httpx.Response, stream: BinaryIO) -> None:
    if reply.status_code != httpx.codes.OK:
        raise DownloadFailed(f"{_public(url)}: it answers {reply.status_code}", "see that the address is right")
    encoding = reply.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("gzip", "x-gzip", "identity", ""):
        raise DownloadFailed(
            f"{_public(url)}: it sends the list as {encoding[:40]}", "let it send it plain, or by gzip"
        )
    decoder = _Gzip() if "gzip" in encoding else None
    packed = size = 0
    async for chunk in reply.aiter_raw():
        packed += len(chunk)
        for piece in decoder.pieces(chunk) if decoder else (chunk,):
            size += len(piece)
            _refuse_bomb(url, packed, size)
            stream.write(piece)
    if decoder and not decoder.is_complete:
        raise DownloadFailed(f"{_public(url)}: the list was cut off", "see that the address answers")


def _refuse_bomb(url: str, packed: int, size: int) -> None:
    if size > MAX_BYTES:
        raise DownloadFailed(f"{_public(url)}: the list is larger than a gigabyte", "split it")
    if size > RATIO_COUNTS_FROM and size > MAX_RATIO * packed:
        message = f"{_public(url)}: the list is refused: it unpacks from {packed:,} bytes to more than {size:,}"
        raise DownloadFailed(message, "if it is a list, let it be sent plain")


class _Gzip:
    """Unpacks gzip a piece at a time, of one member or of several."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self.is_complete = False

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """What these bytes unpack to, in pieces of a bounded size. Raises httpx.DecodingError."""
        piece = b""
        while packed or len(piece) == PIECE:
            if self._member.eof and packed:
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                piece = self._member.decompress(packed, PIECE)
            except zlib.error:
                raise httpx.DecodingError("what it sends is not gzip, as it says") from None
            packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self.is_complete = self._member.eof
            yield piece


def _public(url: str) -> str:
    """The URL without user, password and query, which may be secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
