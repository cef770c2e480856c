"""The sandbox's Data API: reports of calls that are over, asked for strictly by their pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import loopback
from tests.support.sandbox_clients import Clients, until

FIELDS = ["id", "call_api_external_id", "finish_reason", "is_lost"]


def asked(vendor: Clients, method: str = "get.calls_report", **changes: Any) -> Any:
    now = datetime.now(UTC)
    params = {
        "access_token": "sandbox-key",
        "date_from": f"{now - timedelta(days=1):%Y-%m-%d %H:%M:%S}",
        "date_till": f"{now + timedelta(days=1):%Y-%m-%d %H:%M:%S}",
        **changes,
    }
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": method,
        "params": {k: v for k, v in params.items() if v is not None},
    }
    return loopback.post(f"{vendor.sandbox.url}/v2.0", json=request).json()


def equal(field: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": "=", "value": value}


def test_a_call_is_reported_a_while_after_its_end_and_found_by_either_id(start: Callable[..., Clients]) -> None:
    vendor = start(speed=1000)
    call = vendor.informer("14155550111", external_id="mine")["result"]["data"]["call_session_id"]
    until(lambda: asked(vendor)["result"]["data"])
    rows = asked(vendor, filter=equal("call_api_external_id", "mine"), fields=FIELDS)["result"]["data"]
    assert rows == [{"id": call, "call_api_external_id": "mine", "finish_reason": "subscriber_busy", "is_lost": True}]
    legs = asked(vendor, "get.call_legs_report", filter=equal("call_session_id", call))["result"]["data"]
    assert [(leg["connect_time"], leg["is_operator"]) for leg in legs] == [(None, False)]
    assert asked(vendor, filter=equal("call_api_external_id", "another"))["result"]["data"] == []


def test_fields_of_the_call_api_are_told_only_when_asked_for(start: Callable[..., Clients]) -> None:
    vendor = start(speed=1000)
    vendor.informer("14155550101", external_id="mine")
    until(lambda: asked(vendor)["result"]["data"])
    assert "call_api_external_id" not in asked(vendor)["result"]["data"][0]


@pytest.mark.parametrize(
    ("changes", "mnemonic"),
    [
        ({"method": "get.everything"}, "method_not_found"),
        ({"access_token": None}, "required_parameter_missed"),
        ({"access_token": "nobody's"}, "access_token_invalid"),
        ({"date_from": None}, "required_parameter_missed"),
        ({"date_from": "2026-12-01"}, "data_type_error"),
        ({"date_from": "2020-01-01 00:00:00"}, "invalid_parameter_value"),
        ({"colour": "red"}, "unexpected_parameters"),
    ],
)
def test_a_request_that_its_page_does_not_allow_is_refused(
    start: Callable[..., Clients], changes: dict[str, Any], mnemonic: str
) -> None:
    assert asked(start(), **changes)["error"]["data"]["mnemonic"] == mnemonic
