"""A proxy between the workers and the sandbox: it cuts requests and slows them, and it answers absurdly.

An order that is not delivered is answered with anything at all; one that is, with what damage has left of the true
answer. The proxy does not lie: it denies no call that was placed, and leaves none that goes on out of a list.

    python -m tests.chaos.proxy PORT SANDBOX-URL SEED

`POST /_faults` with a share for each fault makes that part of the requests meet it; `GET /_faults` counts those that
did.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from random import Random

import aiohttp
from aiohttp import web

from dialer.http import HttpReply
from tests.support.hostile_replies import Hostile

CUT = ("cut before", "cut after", "late before", "late after")
ABSURD = ("absurd before", "absurd after")
KINDS = CUT + ABSURD
ORDERS = re.compile(rb'"method"\s*:\s*"start\.|"channel"\s*:\s*"voice"')  # what asks for a call, at either vendor
LATE_SECONDS = (2.5, 4.0)  # longer than the workers wait for an answer
NOT_PASSED = {"host", "content-length", "transfer-encoding", "connection", "content-encoding", "date", "server"}


class FaultyProxy:
    """Passes requests on, all but those that meet a fault."""

    def __init__(self, sandbox: str, rng: Random) -> None:
        self._sandbox = sandbox
        self._rng = rng
        self._shares: dict[str, float] = {}
        self._hostile = {vendor: Hostile(vendor, rng.randrange(2**32)) for vendor in ("callgear", "webex")}
        self._met: Counter[str] = Counter()
        self._client: aiohttp.ClientSession | None = None

    async def open(self, _app: web.Application) -> None:
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))

    async def close(self, _app: web.Application) -> None:
        if self._client:
            await self._client.close()

    async def set_faults(self, request: web.Request) -> web.Response:
        self._shares = await request.json()
        return await self.faults(request)

    async def faults(self, _request: web.Request) -> web.Response:
        return web.json_response({kind: self._met[kind] for kind in KINDS})

    async def carry(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self._fault()
        if fault:
            self._met[fault] += 1
        if fault == "cut before":
            return _cut(request)
        if fault == "late before":
            await asyncio.sleep(self._rng.uniform(*LATE_SECONDS))
        hostile = self._hostile["callgear" if b'"jsonrpc"' in body else "webex"]
        if fault == "absurd before" and ORDERS.search(body):
            return _answer(hostile.reply(["nobody's"]))
        reply = await self._deliver(request, body)
        if fault in ABSURD and reply is not None:
            return _answer(hostile.damaged(reply))
        if fault == "late after":
            await asyncio.sleep(self._rng.uniform(*LATE_SECONDS))
        return _cut(request) if fault == "cut after" or reply is None else _answer(reply)

    async def _deliver(self, request: web.Request, body: bytes) -> HttpReply | None:
        assert self._client
        headers = {name: value for name, value in request.headers.items() if name.lower() not in NOT_PASSED}
        try:
            async with self._client.request(
                request.method, f"{self._sandbox}{request.path_qs}", data=body, headers=headers
            ) as reply:
                passed = {name: value for name, value in reply.headers.items() if name.lower() not in NOT_PASSED}
                return HttpReply(status=reply.status, headers=passed, body=await reply.read())
        except aiohttp.ClientError:
            return None  # the sandbox cut it: so does the proxy

    def _fault(self) -> str | None:
        drawn = self._rng.random()
        for kind, share in self._shares.items():
            if drawn < share:
                return kind
            drawn -= share
        return None


def _answer(reply: HttpReply) -> web.Response:
    headers = {name: value for name, value in reply.headers.items() if value.isprintable() and value.isascii()}
    return web.Response(status=reply.status, headers=headers, body=reply.body)


def _cut(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


def create_app(sandbox: str, seed: int) -> web.Application:
    proxy = FaultyProxy(sandbox, Random(seed))
    app = web.Application(client_max_size=2**22)
    app.on_startup.append(proxy.open)
    app.on_cleanup.append(proxy.close)
    app.add_routes([web.get("/_faults", proxy.faults), web.post("/_faults", proxy.set_faults)])
    app.add_routes([web.route("*", "/{tail:.*}", proxy.carry)])
    return app


if __name__ == "__main__":
    port, url, seed = sys.argv[1:]
    web.run_app(create_app(url, int(seed)), host="127.0.0.1", port=int(port), print=None, access_log=None)
