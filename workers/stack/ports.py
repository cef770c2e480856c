"""Chooses ports on this machine: the wanted one, or the next that is free."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass

from dialer.errors import DialerError

CANDIDATE_COUNT = 200


class NoPort(DialerError):
    """No port is available; the message says which was wanted and why."""


@dataclass(frozen=True, slots=True)
class Port:
    """The port that was wanted, and the number of the one that was reserved."""

    wanted: int
    number: int

    @property
    def moved(self) -> bool:
        """Whether another port than the wanted one was reserved; never when any port (0) was wanted."""
        return self.wanted not in (0, self.number)


class Ports:
    """Ports reserved for this process until it closes them: no other stack on this machine gets the same.

    A server opens its port only some time after it was chosen. The reservation in between is a UDP socket of the same
    number: it hinders no TCP server, one process only can hold it, and it ends with the process, however that ends.
    """

    def __init__(self) -> None:
        self._reservations = ExitStack()

    def take(self, wanted: int, host: str = "127.0.0.1") -> Port:
        """The wanted port, or when it is taken the next free one; 0 takes any. Raises NoPort."""
        if not 0 <= wanted <= 65535:
            raise NoPort(f"{wanted} is not a port", "choose one between 1024 and 65535")
        for number in _candidates(wanted):
            reserved = self._reserve(host, number)
            if reserved is not None:
                return Port(wanted, reserved)
        raise NoPort(f"no port from {wanted} on is free on {host}", "stop what holds them, or choose another port")

    def close(self) -> None:
        """Give up all reservations."""
        self._reservations.close()

    def __enter__(self) -> Ports:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _reserve(self, host: str, number: int) -> int | None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with ExitStack() as sockets:
            try:
                free = sockets.enter_context(_listening_socket(family, host, number))
                port = int(free.getsockname()[1])
                reservation = sockets.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                reservation.bind((host, port))
            except OSError as exc:
                if exc.errno == errno.EADDRINUSE:
                    return None
                raise NoPort(f"port {number} on {host}: {exc.strerror or exc}", "choose another port or host") from None
            free.close()
            self._reservations.push(sockets.pop_all())
        return port


def _candidates(wanted: int) -> range | tuple[int, ...]:
    if wanted == 0:
        return (0,) * CANDIDATE_COUNT
    return range(wanted, min(wanted + CANDIDATE_COUNT, 65536))


def _listening_socket(family: int, host: str, number: int) -> socket.socket:
    """A socket that listens as a server's would: recently closed connections do not make the port count as taken."""
    server = socket.socket(family, socket.SOCK_STREAM)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, number))
        server.listen()
    except OSError:
        server.close()
        raise
    return server
