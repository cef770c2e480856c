"""Ports on this machine: the wanted one, or the next that is free."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass

from dialer.errors import DialerError

CANDIDATE_COUNT = 200


class NoPort(DialerError):
    """No port could be had; the message says which was wanted and why not."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port that was asked for, and the one there is."""

    wanted: int
    got: int

    @property
    def moved(self) -> bool:
        """Whether the wanted port was taken. Asking for 0 asks for any, so that one never moves."""
        return self.wanted not in (0, self.got)


class Ports:
    """Ports promised to this process until it closes them: no other stack on the machine is given the same.

    A server opens its port only some time after it was chosen. The promise in between is a datagram socket on the
    same number: it hinders no TCP server, only one process can hold it, and it ends with the process however that ends.
    """

    def __init__(self) -> None:
        self._promises = ExitStack()

    def take(self, wanted: int, host: str = "127.0.0.1") -> Port:
        """The wanted port, or when it is taken the next free one; 0 takes any. Raises NoPort."""
        if not 0 <= wanted <= 65535:
            raise NoPort(f"{wanted} is not a port", "choose one between 1024 and 65535")
        for number in _candidates(wanted):
            got = self._promise(host, number)
            if got is not None:
                return Port(wanted, got)
        raise NoPort(f"no port from {wanted} on is free on {host}", "stop what holds them, or choose another port")

    def close(self) -> None:
        self._promises.close()

    def __enter__(self) -> Ports:
        return self

    def __exit__(self, *_why: object) -> None:
        self.close()

    def _promise(self, host: str, number: int) -> int | None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with ExitStack() as sockets:
            try:
                free = sockets.enter_context(_listening_socket(family, host, number))
                got = int(free.getsockname()[1])
                promise = sockets.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                promise.bind((host, got))
            except OSError as exc:
                if exc.errno == errno.EADDRINUSE:
                    return None
                raise NoPort(f"port {number} on {host}: {exc.strerror or exc}", "choose another port or host") from None
            free.close()
            self._promises.push(sockets.pop_all())
        return got


def _candidates(wanted: int) -> range | tuple[int, ...]:
    if wanted == 0:
        return (0,) * CANDIDATE_COUNT
    return range(wanted, min(wanted + CANDIDATE_COUNT, 65536))


def _listening_socket(family: int, host: str, number: int) -> socket.socket:
    """A socket listening there, as a server's would: connections lately closed do not count as taken."""
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, number))
        opened.listen()
    except OSError:
        opened.close()
        raise
    return opened
