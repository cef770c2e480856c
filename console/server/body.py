"""Reading a request's body, up to a limit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile


class TooLarge(Exception):
    """The body is longer than the limit."""


class JsonRequest(Request):
    """A request in whose JSON no key stands twice: of two numbers Python would call the last, and say nothing."""

    async def json(self) -> Any:
        """What the body says. Raises JSONDecodeError, UnicodeDecodeError."""
        if not hasattr(self, "_json"):
            body = await self.body()
            text = body.decode(json.detect_encoding(body))

            def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
                values = dict(pairs)
                if len(values) < len(pairs):
                    names = [name for name, _ in pairs]
                    twice = next(name for name in names if names.count(name) > 1)
                    raise json.JSONDecodeError(f'the key "{twice[:60]}" stands twice', text, _last(twice, text))
                return values

            self._json = json.loads(text, object_pairs_hook=unique)
        return self._json


def _last(name: str, text: str) -> int:
    return max(0, text.rfind(json.dumps(name)), text.rfind(json.dumps(name, ensure_ascii=False)))


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
