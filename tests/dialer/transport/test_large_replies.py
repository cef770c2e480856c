"""A provider's reply is read up to a bound, however it is written."""

from __future__ import annotations

import asyncio
import tracemalloc
import zlib
from functools import cache

import pytest

from dialer.errors import NotPlaced, ProviderError, Unconfirmed
from dialer.http import HttpRequest
from dialer.transport.http_client import LARGEST_REPLY, HttpClient, translate_errors
from tests.support.http_server import Heard, reply, serving

PART = b"a" * (1 << 20)


async def endless(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"%x\r\n%s\r\n" % (len(PART), PART))
        await writer.drain()


async def until_it_closes(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(PART)
        await writer.drain()


async def announced(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 40))
    while True:
        writer.write(PART)
        await writer.drain()


@cache
def bomb() -> bytes:
    """A gzip stream that unpacks to 256 MB: a part that is compressed once, again and again."""
    squeeze = zlib.compressobj(level=9, wbits=31)
    first, again = (squeeze.compress(PART) + squeeze.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * 255


async def compressed(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    await reply(writer, bomb(), headers="Content-Encoding: gzip\r\n")


async def endless_headers(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        writer.write(PART)
        await writer.drain()


async def asked(behave, *, places: bool) -> ProviderError:
    async with serving(behave) as wire:
        client = HttpClient(connections=1)
        request = HttpRequest(method="POST", url=wire.url, body=b"{}", places=places)
        try:
            with pytest.raises(ProviderError) as raised, translate_errors("webex", request):
                await client.exchange(request, timeout=60, connect_timeout=60)
        finally:
            await client.aclose()
        return raised.value


@pytest.mark.anyio
@pytest.mark.parametrize("behave", [endless, until_it_closes, announced, compressed])
async def test_no_more_than_the_bound_is_read_and_a_call_may_have_been_placed(behave):
    tracemalloc.start()
    try:
        error = await asked(behave, places=True)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(error, Unconfirmed)
    assert "more than 16 MB" in str(error)
    assert peak < 5 * LARGEST_REPLY


@pytest.mark.anyio
async def test_a_question_whose_answer_is_too_large_names_that():
    error = await asked(endless, places=False)
    assert isinstance(error, NotPlaced)
    assert error.ruling.mnemonic == "reply_too_large"


@pytest.mark.anyio
async def test_a_head_without_end_is_no_answer():
    assert isinstance(await asked(endless_headers, places=True), Unconfirmed)


@pytest.mark.anyio
async def test_the_largest_reply_is_read_whole():
    async def largest(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        await reply(writer, b" " * LARGEST_REPLY)

    async with serving(largest) as wire:
        client = HttpClient(connections=1)
        answer = await client.exchange(HttpRequest(method="GET", url=wire.url), timeout=60, connect_timeout=60)
        await client.aclose()
    assert len(answer.body) == LARGEST_REPLY
