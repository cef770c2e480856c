"""Whatever is thrown at the door for receipts, it never breaks: 200 and stored, or refused and not stored."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.console import house
from tests.console.conftest import Console

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
BODIES = st.one_of(
    st.binary(max_size=200),
    ANYTHING.map(lambda value: json.dumps(value).encode()),
    DELIVERY.map(lambda value: json.dumps(value).encode()),
    st.lists(DELIVERY, max_size=5).map(lambda value: json.dumps(value).encode()),
)


@given(body=BODIES)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_body_breaks_the_door(console: Console, body: bytes) -> None:
    before = len(house.receipt_rows(console.ledger))
    reply = console.http.post(console.door, content=body)
    kept = len(house.receipt_rows(console.ledger)) - before
    assert reply.status_code in (200, 400)
    assert kept == 0 or reply.status_code == 200
