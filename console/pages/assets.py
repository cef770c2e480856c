"""The files that pages load: the style, the script and the icon, all our own, for whoever has not logged in, too."""

from __future__ import annotations

from importlib.resources import files

from fastapi import HTTPException, Response

from console.server.page_route import public_router

ASSETS = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}

router = public_router()


@router.get("/assets/{name}")
def asset(name: str) -> Response:
    """One of the files."""
    if name not in ASSETS:
        raise HTTPException(404, "no such file")
    return Response(files("console").joinpath("templates", name).read_bytes(), media_type=ASSETS[name])
