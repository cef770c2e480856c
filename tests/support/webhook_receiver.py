"""A receiver of webhooks on loopback: it answers as it is told, and remembers what it has read."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from anyio.from_thread import start_blocking_portal

from dialer.internal_networks import networks
from dialer.transport.signed_posts import SignedPosts
from tests.support.beside import beside

Told = tuple[int, dict[str, str], bytes]
KEY = "a key of these tests"


@contextmanager
def sending() -> Iterator[SignedPosts]:
    """What sends messages signed by KEY, also to addresses on loopback."""
    with start_blocking_portal() as loop:
        posts = SignedPosts(loop, key=KEY, allowed=networks(["127.0.0.1"]))
        try:
            yield posts
        finally:
            loop.call(posts.aclose)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return json.loads(self.body)["type"]

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.body)["data"]


def taken(_event: Event) -> Told:
    return 204, {}, b""


@dataclass(slots=True)
class Receiver:
    """What has come. `answer` says what is answered to an event; whatever it raises cuts the connection."""

    url: str = ""
    came: list[Event] = field(default_factory=list)
    answer: Callable[[Event], Told] = taken
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, event: Event) -> Told:
        with self._lock:
            self.came.append(event)
        return self.answer(event)

    def types(self) -> list[str]:
        return [event.type for event in self.came]

    def by_contact(self) -> dict[int, list[Event]]:
        """The events about each contact, each once, in the order in which they first came."""
        seen: set[str] = set()
        events: dict[int, list[Event]] = defaultdict(list)
        for event in self.came:
            if "contact" in event.data and event.id not in seen:
                seen.add(event.id)
                events[event.data["contact"]["id"]].append(event)
        return events


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver, for as long as the block runs."""
    receiver = Receiver()
    with listening(receiver):
        yield receiver


@contextmanager
def listening(receiver: Receiver, port: int = 0) -> Iterator[int]:
    """Let a receiver be reached for as long as the block runs; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, more, said = receiver.take(Event(path=self.path, headers=headers, body=body))
            except ConnectionError:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"content-length": str(len(said)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_said: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64
        allow_reuse_address = True

        def handle_error(self, *_about: Any) -> None:
            pass

    with beside(Server(("127.0.0.1", port), Handler)) as taken:
        receiver.url = f"http://127.0.0.1:{taken}/hook"
        yield taken
