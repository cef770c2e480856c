"""Both vendors' protocols spoken by hand, and a place for receipts to arrive."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from dialer.sandbox.running import SandboxHandle
from tests.support import loopback
from tests.support.beside import beside
from tests.support.patience import PATIENCE

KEY = "sandbox-key"
FAST = 200.0
"""A speed at which a call of half a minute is over in 150 ms."""
STILL = 0.01
"""A speed at which nothing happens while a test looks."""
LONG = "x" * 1000
"""A text that takes 71 s to hear."""


class Clients:
    """Both vendors' protocols, spoken by hand: what is sent is what the test says."""

    def __init__(self, sandbox: SandboxHandle) -> None:
        self.sandbox = sandbox
        self.http = loopback.client()

    def rpc(self, method: str, /, **params: object) -> dict[str, Any]:
        """One JSON-RPC request with the account's key, unless `access_token` is given; None leaves a parameter out."""
        given = {} if method == "login.user" else {"access_token": KEY}
        given |= params
        sent = {name: value for name, value in given.items() if value is not None}
        return self.raw({"jsonrpc": "2.0", "id": "req1", "method": method, "params": sent})

    def raw(self, document: object) -> dict[str, Any]:
        return self.body(json.dumps(document).encode())

    def body(self, body: bytes, content_type: str = "application/json") -> dict[str, Any]:
        reply = self.http.post(self.sandbox.base_url("callgear"), content=body, headers={"Content-Type": content_type})
        assert reply.status_code == 200
        return reply.json()

    def informer(self, contact: str = "79260000000", **params: object) -> dict[str, Any]:
        given: dict[str, object] = {
            "virtual_phone_number": "74993720692",
            "contact": contact,
            "contact_message": {"type": "tts", "value": "Test message"},
        }
        return self.rpc("start.informer_call", **(given | params))

    def message(self, to: str = "+14155550101", /, **fields: object) -> httpx.Response:
        """One voice message with the service's key; None leaves a field out."""
        given: dict[str, object] = {
            "channel": "voice",
            "from": "+18005550100",
            "to": [{"msisdn": [to], "correlationId": "camp1-42"}],
            "content": SPEECH,
        }
        given |= fields
        sent = {name: value for name, value in given.items() if value is not None}
        return self.http.post(f"{self.sandbox.base_url('webex')}/v2/messages", json=sent, headers={"key": KEY})


SPEECH = {
    "type": "TTS",
    "ttsProcessor": "Azure",
    "language": "en-US",
    "voice": "GuyNeural",
    "region": "Canada",
    "text": "Time for lunch",
    "voiceType": "Neural",
    "gender": "male",
}


class Receiver:
    """A notify URL: keeps what arrives, and answers each POST with the next of `answers`, then with 200."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.signed: list[tuple[bytes, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(json.loads(body))
                receiver.signed.append((body, self.headers.get("x-hub-signature", "")))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._running = ExitStack()
        self.port = self._running.enter_context(beside(ThreadingHTTPServer(("127.0.0.1", port), Handler)))
        self.url = f"http://127.0.0.1:{self.port}/receipts"

    @property
    def words(self) -> list[str]:
        """The statuses received, in the order of arrival."""
        return [r["deliveryInfoNotification"]["deliveryInfo"]["deliveryStatus"] for r in self.received]

    def close(self) -> None:
        self._running.close()


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is so; fail where it does not come to be."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "this did not happen in time"
        time.sleep(0.02)
