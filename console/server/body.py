"""Reading a request's body, up to a limit."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive

HALF_A_CHARACTER = re.compile(r"\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|[c-fC-F])")  # or the second half of one
LONG_NUMBER = re.compile(r"[-\d]\d{999}")


class TooLarge(Exception):
    """The body is longer than the limit."""


class JsonRequest(Request):
    """A request in whose JSON no key stands twice: of two numbers Python would call the last, and say nothing.

    Nor is anything in it that Python reads and the standard does not have, or that cannot be written in UTF-8.
    """

    async def json(self) -> Any:
        """What the body says. Raises JSONDecodeError, with the place."""
        if not hasattr(self, "_json"):
            self._json = _read(await self.body())
        return self._json


def _read(body: bytes) -> Any:
    try:
        text = body.decode(json.detect_encoding(body))
    except UnicodeDecodeError as exc:
        before = body[: exc.start].decode("utf-8", "replace")
        raise json.JSONDecodeError("a byte that is not UTF-8", before + "?", len(before)) from None

    def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise json.JSONDecodeError(f'the key "{twice[:60]}" stands twice', text, _last(twice, text))
        return values

    def refuse(word: str) -> Any:
        raise json.JSONDecodeError(f"{word} is no number", text, text.find(word))

    try:
        values = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deeply", text, 0) from None
    except ValueError:
        long = LONG_NUMBER.search(text)
        raise json.JSONDecodeError("a number with too many digits", text, long.start() if long else 0) from None
    if (half := HALF_A_CHARACTER.search(text)) and not _can_be_written(values):
        raise json.JSONDecodeError("half of a character", text, half.start())
    return values


def _can_be_written(values: Any) -> bool:
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _last(name: str, text: str) -> int:
    return max(0, text.rfind(json.dumps(name)), text.rfind(json.dumps(name, ensure_ascii=False)))


def bounded(request: Request, limit: int) -> Receive:
    """What receives a request's body, and refuses (413) one of more than `limit` bytes as soon as that is known."""
    size = 0

    async def receive() -> Message:
        nonlocal size
        if not size and _declared(request) > limit:
            raise _too_large(limit)
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    return receive


def _declared(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length[:20]) if length.isascii() and length.isdecimal() else 0


def _too_large(limit: int) -> HTTPException:
    return HTTPException(413, f"the body has more than {limit:,} bytes")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes. Raises TooLarge as soon as more arrives, and ClientDisconnect."""
    if _declared(request) > limit:
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
