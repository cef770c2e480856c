"""One request to a web address, step by step: name, connection, TLS, answer. What fails is named by its step."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from workers.doctor.findings import ClockReading

SECONDS = 3.0  # for each step
MOST_BYTES = 64 << 10
DATE_STEP = 1.0  # seconds that the header Date does not tell apart


class Unanswered(Exception):
    """No answer came; its text names the step that failed and why, and never the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `tls` is the version that was spoken, `expires` the end of the certificate; None without TLS."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    tls: str | None
    expires: datetime | None
    asked_at: float
    seconds: float

    def clock(self, name: str) -> ClockReading | None:
        """The server's clock, where it tells it."""
        try:
            its_clock = parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return None
        middle = self.asked_at + self.seconds / 2
        return ClockReading(
            clock=name,
            ahead=its_clock + DATE_STEP / 2 - middle,
            uncertain=DATE_STEP / 2 + self.seconds / 2,
        )


def ask(url: str, method: str = "HEAD", *, trusts: ssl.SSLContext | None = None) -> Answer:
    """Send one request without a body or any key. Raises Unanswered. Certificates are held against `trusts`."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = _connected(host, port)
    try:
        if secure:
            connection = _secured(connection, host, trusts or trusted_authorities())
        return _answer(connection, f"{parts.path or '/'}?{parts.query}".rstrip("?"), method, parts.netloc)
    finally:
        connection.close()


def trusted_authorities() -> ssl.SSLContext:
    """Those that requests to providers trust."""
    import httpx  # heavier than all the rest here

    return httpx.create_ssl_context(trust_env=False)


def _connected(host: str, port: int) -> socket.socket:
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise Unanswered(f"DNS: the name {host} was not found ({getattr(exc, 'strerror', None) or exc})") from None
    why = "no address"
    for *_, address in places:
        try:
            return socket.create_connection((str(address[0]), port), SECONDS)
        except TimeoutError:
            why = f"no connection within {SECONDS:g} s"
        except OSError as exc:
            why = "refused" if isinstance(exc, ConnectionRefusedError) else exc.strerror or type(exc).__name__
    raise Unanswered(f"TCP: {host} port {port}: {why}")


def _secured(connection: socket.socket, host: str, trusts: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        return trusts.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as exc:
        raise Unanswered(f"TLS: the certificate of {host} is not valid: {exc.verify_message}") from None
    except TimeoutError:
        raise Unanswered(f"TLS: {host} began none within {SECONDS:g} s") from None
    except OSError as exc:
        reason = str(getattr(exc, "reason", None) or exc.strerror or "broken off").lower().replace("_", " ")
        raise Unanswered(f"TLS: {host}: {reason}; perhaps no TLS is spoken there") from None


def _answer(connection: socket.socket, path: str, method: str, host: str) -> Answer:
    asked_at, began = time.time(), time.monotonic()
    lines = (f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: campaign-dialer", "Accept: */*")
    try:
        connection.sendall("\r\n".join((*lines, "Connection: close", "", "")).encode("ascii", "replace"))
        reply = http.client.HTTPResponse(connection, method=method)
        reply.begin()
        seconds = time.monotonic() - began
        body = reply.read(MOST_BYTES)
    except TimeoutError:
        raise Unanswered(f"HTTP: no answer within {SECONDS:g} s") from None
    except (OSError, http.client.HTTPException) as exc:
        raise Unanswered(f"HTTP: no answer that can be read ({type(exc).__name__})") from None
    return Answer(
        status=reply.status,
        body=body,
        headers={name.lower(): value for name, value in reply.getheaders()},
        tls=connection.version() if isinstance(connection, ssl.SSLSocket) else None,
        expires=_expires(connection),
        asked_at=asked_at,
        seconds=seconds,
    )


def _expires(connection: socket.socket) -> datetime | None:
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    until = (certificate or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if isinstance(until, str) else None
