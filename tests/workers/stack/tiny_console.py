"""A console as small as they come: it answers 200 to whoever asks whether it works."""

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def create_app() -> Starlette:
    paths = ("/healthz", "/readyz")
    return Starlette(routes=[Route(path, lambda _request: PlainTextResponse("ok")) for path in paths])
