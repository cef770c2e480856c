"""Reading a request's body, no further than we are ready to."""

from __future__ import annotations

from fastapi import Request


class TooLarge(Exception):
    """The body is longer than allowed; what was read of it is forgotten."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes. Raises TooLarge as soon as there is more, ClientDisconnect."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise TooLarge
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise TooLarge
    return bytes(body)
