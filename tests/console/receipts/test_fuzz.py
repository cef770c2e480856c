"""Whatever is thrown at the door for receipts, it never breaks: 200 and stored, or refused and not stored."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.console.conftest import Console
from tests.support import console_server
from tests.support.draws import times

WORDS = st.sampled_from(["OFFERED", "ANSWERED", "Released", "DROPPED", "REJECTED", "DISCONNECTED", "new word", ""])
CODES = st.sampled_from(["7407", "7519", "7405", "7409", "7402", "7410", 7401, 9999, None])
STAMPS = st.sampled_from(["2026-12-01T15:00:01Z", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", "later", 7])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def or_anything(likely: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(likely, likely, likely, ANYTHING)


INFO = st.fixed_dictionaries(
    {}, optional={"deliveryStatus": or_anything(WORDS), "code": or_anything(CODES), "timeStamp": or_anything(STAMPS)}
)
NOTICE = st.fixed_dictionaries(
    {"deliveryInfo": or_anything(INFO)},
    optional={
        "transid": or_anything(st.sampled_from(["call-1", "call-2", "x" * 5000])),
        "correlationid": or_anything(st.uuids().map(str)),
        "callbackData": ANYTHING,
    },
)
DELIVERY = st.fixed_dictionaries({"deliveryInfoNotification": or_anything(NOTICE)})
GOOD = st.builds(
    lambda word, code, call, attempt: console_server.notice(
        word, code, call=call, attempt=attempt, at="2026-12-01T15:00:01Z"
    ),
    st.sampled_from(["OFFERED", "ANSWERED", "Released", "DROPPED", "REJECTED", "new word"]),
    st.sampled_from(["7407", "7519", "7405", "7409", "7402", "9999"]),
    st.uuids().map(str),
    st.none() | st.uuids(),
).map(json.loads)
EVENTS = st.sampled_from(["finished", "lost", "talk_started", "new word"])
GOOD_NOTIFICATION = st.fixed_dictionaries(
    {"call_session_id": st.integers(1, 10**12), "event": EVENTS, "external_id": st.none() | st.uuids().map(str)}
)
NOTIFICATION = st.fixed_dictionaries(
    {"call_session_id": or_anything(st.integers(1, 10**12)), "event": or_anything(EVENTS)},
    optional={
        "external_id": or_anything(st.uuids().map(str)),
        "talk_time_duration": or_anything(st.integers(-1, 100)),
        "lost_reason": or_anything(st.sampled_from(["subscriber_busy", "{{lost_reason}}"])),
        "notification_mnemonic": ANYTHING,
    },
)


def bodies(likely: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.binary(max_size=200),
        ANYTHING.map(lambda value: json.dumps(value).encode()),
        likely.map(lambda value: json.dumps(value).encode()),
        likely.map(lambda value: json.dumps(value).encode()),
        st.lists(likely, max_size=5).map(lambda value: json.dumps(value).encode()),
    )


ODD = [
    b"",
    b"\0",
    b"\xff",
    b'"',
    b"{",
    b"}",
    b"[",
    b",",
    b":",
    b"null",
    b"1e999",
    b"\\ud800",
    b"{{x}}",
    b'""',
    b"\\u0000",
]
TOGETHER = 25
BODIES_THROWN = {  # by store: at Webex Connect's door, and at CallGear's
    "sqlite": {"receipts": 600, "notifications": 300},
    "postgresql": {"receipts": 200, "notifications": 200},
}


def mangled(body: bytes, chance: Random) -> bytes:
    """The body with some of it cut out, doubled, or replaced."""
    for _ in range(chance.randint(0, 3)):
        at = chance.randint(0, len(body))
        to = min(len(body), at + chance.randint(0, 12))
        body = body[:at] + chance.choice([*ODD, body[at:to] * 2]) + body[to:]
    return body


@contextmanager
def thrower(console: Console, door: str) -> Iterator[Callable[[list[bytes]], list[int]]]:
    """Posts bodies all at once, over connections that are kept, and returns the HTTP statuses.

    By aiohttp: with httpx the asking would take several times as long as the answering.
    """
    url = f"{console.address}{door}"
    with asyncio.Runner() as runner:

        async def opened() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))

        async def post(body: bytes) -> int:
            async with provider.post(url, data=body) as reply:
                return reply.status

        async def post_all(bodies: list[bytes]) -> list[int]:
            return await asyncio.gather(*(post(body) for body in bodies))

        provider = runner.run(opened())
        yield lambda bodies: runner.run(post_all(bodies))
        runner.run(provider.close())


@pytest.mark.drawn
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["receipts", "notifications"])
def test_no_body_breaks_a_door(console: Console, kind: str) -> None:
    """Likely bodies, impossible ones, and likely ones with holes in them."""
    door = console.door if kind == "receipts" else "/notifications/main/other"
    likely = st.one_of(GOOD, GOOD, DELIVERY) if kind == "receipts" else st.one_of(GOOD_NOTIFICATION, NOTIFICATION)
    count = times(BODIES_THROWN[console.ledger.engine.dialect.name][kind])
    thrown: Counter[int] = Counter()

    @given(seeds=st.lists(bodies(likely), min_size=5, max_size=5), chance=st.randoms(use_true_random=True))
    @settings(
        max_examples=count // TOGETHER,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    def fuzz(seeds: list[bytes], chance: Random) -> None:
        more = [mangled(chance.choice(seeds), chance) for _ in range(TOGETHER - len(seeds))]
        statuses = throw(seeds + more)
        thrown.update(statuses)
        assert set(statuses) <= {200, 400}

    with thrower(console, door) as throw:
        fuzz()
    assert sum(thrown.values()) >= count
    assert min(thrown[200], thrown[400]) > count / 50
    assert console.state.receipt_writer.flush(60)
    assert 0 < len(console_server.receipt_rows(console.ledger)) <= 5 * thrown[200]
    assert console.http.get("/healthz").status_code == 200
