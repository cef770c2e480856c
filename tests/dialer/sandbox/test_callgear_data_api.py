"""The sandbox's Data API: reports of calls that are over, asked for strictly by their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dialer.sandbox.callgear.reports import REPORTS
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
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
        ({"date_from": "2020-01-01 00:00:00"}, "date_interval_limit_reached"),
        ({"date_from": "2099-01-01 00:00:00"}, "invalid_parameter_value"),
        ({"colour": "red"}, "unexpected_parameters"),
        ({"fields": ["id", "colour"]}, "unexpected_parameters"),
        ({"fields": "id"}, "data_type_error"),
        ({"filter": "id"}, "data_type_error"),
        ({"filter": {"field": "id"}}, "required_parameter_missed"),
        ({"filter": {"field": "colour", "operator": "="}}, "filter_prohibited"),
        ({"filter": {"field": "id", "operator": "~"}}, "invalid_parameter_value"),
        ({"filter": {"field": "tags", "operator": "jsquery", "value": 'name="vip"'}}, "invalid_parameter_value"),
        ({"filter": {"field": "id", "operator": "<", "value": "ten"}}, "data_type_error"),
        ({"filter": {"field": "id", "operator": "in", "value": 10}}, "data_type_error"),
        ({"filter": {"field": "source", "operator": "regexp", "value": "("}}, "data_type_error"),
        ({"filter": {"filters": [equal("id", 1)]}}, "invalid_parameter_value"),
        ({"filter": {"filters": [], "condition": "and"}}, "data_type_error"),
        ({"sort": [{"field": "tags"}]}, "sort_prohibited"),
        ({"sort": [{"field": "id", "order": "up"}]}, "invalid_parameter_value"),
        ({"sort": {"field": "id"}}, "data_type_error"),
        ({"limit": 10_001}, "invalid_parameter_value"),
        ({"limit": "10"}, "data_type_error"),
        ({"offset": -1}, "invalid_parameter_value"),
        ({"include_ongoing_calls": 1}, "data_type_error"),
    ],
)
def test_a_request_that_its_page_does_not_allow_is_refused(
    with_a_call: Clients, changes: dict[str, Any], mnemonic: str
) -> None:
    assert asked(with_a_call, **changes)["error"]["data"]["mnemonic"] == mnemonic


@pytest.fixture(scope="module")
def with_a_call() -> Iterator[Clients]:
    """A sandbox in whose reports is the call of somebody who was busy, and those of two who answered."""
    with running(SandboxConfig(seed=1, speed=1000)) as sandbox:
        vendor = Clients(sandbox)
        for number, name in (("14155550111", "busy"), ("14155550101", "ann"), ("14155550102", "bob")):
            vendor.informer(number, external_id=name)
        until(lambda: len(asked(vendor)["result"]["data"]) == 3)
        yield vendor
        vendor.http.close()


NAMES = {"fields": ["call_api_external_id"], "sort": [{"field": "id"}]}
BUSY, ANN = equal("is_lost", True), equal("call_api_external_id", "ann")


@pytest.mark.parametrize(
    ("given", "names", "total"),
    [
        pytest.param({}, "busy ann bob", 3, id="all"),
        pytest.param({"limit": 2}, "busy ann", 3, id="a page"),
        pytest.param({"limit": 2, "offset": 2}, "bob", 3, id="the next page"),
        pytest.param({"limit": 0}, "", 3, id="how many only"),
        pytest.param({"sort": [{"field": "id", "order": "desc"}]}, "bob ann busy", 3, id="downwards"),
        pytest.param(
            {"sort": [{"field": "is_lost", "order": "desc"}, {"field": "call_api_external_id", "order": "desc"}]},
            "busy bob ann",
            3,
            id="by two fields",
        ),
        pytest.param({"filter": {"filters": [BUSY, ANN], "condition": "or"}}, "busy ann", 2, id="or"),
        pytest.param({"filter": {"filters": [BUSY, ANN], "condition": "and"}}, "", 0, id="and"),
        pytest.param(
            {"filter": {"filters": [{"filters": [BUSY], "condition": "and"}, ANN], "condition": "or"}},
            "busy ann",
            2,
            id="within another",
        ),
        pytest.param({"filter": {"field": "talk_duration", "operator": ">", "value": 0}}, "ann bob", 2, id="above"),
        pytest.param({"filter": {"field": "contact_phone_number", "operator": "like", "value": "%0101"}}, "ann", 1),
        pytest.param({"filter": {"field": "finish_reason", "operator": "regexp", "value": "^sub.*"}}, "busy", 1),
        pytest.param(
            {"filter": {"field": "call_api_external_id", "operator": "in", "value": ["ann", "bob"]}},
            "ann bob",
            2,
            id="in",
        ),
        pytest.param({"filter": {"field": "utm_source", "operator": "=", "value": None}}, "busy ann bob", 3, id="null"),
        pytest.param({"filter": {"field": "utm_source", "operator": "<", "value": "x"}}, "", 0, id="null is not below"),
    ],
)
def test_a_report_is_filtered_sorted_and_paged(
    with_a_call: Clients, given: dict[str, Any], names: str, total: int
) -> None:
    result = asked(with_a_call, **{**NAMES, **given})["result"]
    assert [row["call_api_external_id"] for row in result["data"]] == names.split()
    assert result["metadata"]["total_items"] == total


def test_every_field_of_the_vendors_page_can_be_asked_for(with_a_call: Clients) -> None:
    for method, report in REPORTS.items():
        row = asked(with_a_call, method, fields=list(report.fields))["result"]["data"][0]
        assert tuple(row) == report.fields


def test_a_login_of_its_own_opens_it_and_a_session_of_the_call_api_does_too(with_a_call: Clients) -> None:
    def logged_in(method: str, **params: str) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return loopback.post(f"{with_a_call.sandbox.url}/v2.0", json=request).json()

    session = logged_in("login.user", login="sandbox", password="sandbox")["result"]["data"]
    assert session.keys() == {"access_token", "expire_at", "app_id"}
    assert asked(with_a_call, access_token=session["access_token"])["result"]["metadata"]["total_items"] == 3
    assert logged_in("logout.user", access_token=session["access_token"])["result"]["data"] == {"success": True}
    refused = asked(with_a_call, access_token=session["access_token"])
    assert refused["error"]["data"]["mnemonic"] == "access_token_invalid"
    wrong = logged_in("login.user", login="sandbox", password="other")
    assert wrong["error"]["data"]["mnemonic"] == "auth_error"
    token = with_a_call.rpc("login.user", login="sandbox", password="sandbox")["result"]["data"]["access_token"]
    assert "result" in asked(with_a_call, access_token=token)


def test_calls_that_go_on_are_told_only_when_asked_for(start: Callable[..., Clients]) -> None:
    vendor = start()
    vendor.informer("14155550101")
    assert asked(vendor)["result"]["data"] == []
    (row,) = asked(vendor, include_ongoing_calls=True)["result"]["data"]
    assert (row["finish_time"], row["finish_reason"], row["is_lost"]) == (None, None, None)
