"""Reading a request's body, up to a limit."""

from __future__ import annotations

import shutil
from pathlib import Path

from fastapi import Request
from starlette.datastructures import UploadFile


class TooLarge(Exception):
    """The body is longer than the limit."""


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes. Raises TooLarge as soon as more arrives, and ClientDisconnect."""
    declared_length = request.headers.get("content-length", "")
    if declared_length.isdecimal() and int(declared_length[:20]) > limit:
        raise TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge
    return bytes(body)


def put_upload(sent: UploadFile, file: Path) -> None:
    """Write what was uploaded into a file."""
    with file.open("wb") as stream:
        shutil.copyfileobj(sent.file, stream)
