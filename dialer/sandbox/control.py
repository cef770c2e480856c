"""What tests and people ask of the sandbox itself: its log, its counts, its config, its health."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from dialer.sandbox.shared_config import SharedConfig
from dialer.sandbox.vendor import SandboxVendor
from dialer.sandbox.vendors import VENDORS
from dialer.sandbox.world import World


class Control:
    """The endpoints whose paths begin with `/_`."""

    def __init__(self, world: World[SharedConfig]) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        return [
            web.get("/_calls", self.calls),
            web.get("/_requests", self.requests),
            web.get("/_config", self.config),
            web.post("/_config", self.configure),
            web.get("/_health", self.health),
            web.get("/_openapi.json", self.openapi),
        ]

    async def calls(self, request: web.Request) -> web.Response:
        """Every call placed so far, in the order of placing."""
        clock = self._world.clock
        now = clock.now()
        return web.json_response([call.as_json(clock) for call in self._world.log if call.course.placed <= now])

    async def requests(self, request: web.Request) -> web.Response:
        """How many requests each vendor had, by method and result."""
        counted = sorted(self._world.requests.items())
        names = ("vendor", "method", "result")
        return web.json_response([dict(zip(names, key, strict=True)) | {"count": n} for key, n in counted])

    async def config(self, request: web.Request) -> web.Response:
        """The config in force."""
        return web.json_response(self._world.config.model_dump(mode="json"))

    async def configure(self, request: web.Request) -> web.Response:
        """Change some of the config; 400 with the reason where it cannot be."""
        try:
            changes = await request.json()
            if not isinstance(changes, dict):
                raise ValueError("a JSON object of config keys is expected")
            self._world.reconfigure(changes)
        except ValueError as exc:
            return web.json_response({"error": str(exc)}, status=400)
        return await self.config(request)

    async def openapi(self, request: web.Request) -> web.Response:
        """What the vendor that has a description takes and answers, as an OpenAPI document."""
        return web.json_response(openapi())

    async def health(self, request: web.Request) -> web.Response:
        """That it is up, and how busy it is."""
        live = len(self._world.log.live(self._world.clock.now()))
        return web.json_response(
            {"status": "ok", "speed": self._world.config.speed, "calls": len(self._world.log), "live": live}
        )


def described() -> SandboxVendor:
    """The vendor whose API is described in OpenAPI."""
    return next(vendor for vendor in VENDORS.values() if vendor.openapi)


def openapi() -> dict[str, Any]:
    """What that vendor's side takes and answers."""
    describe = described().openapi
    return describe() if describe else {}
