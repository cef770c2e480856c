"""A console as small as they come: it answers 200 to whoever asks whether it works."""

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from workers.settings import load


def create_app() -> Starlette:
    paths = ("/healthz", "/readyz")
    return Starlette(routes=[Route(path, lambda _request: PlainTextResponse("ok")) for path in paths])


if __name__ == "__main__":
    settings = load().console
    uvicorn.run(create_app(), host=settings.host, port=settings.port)
