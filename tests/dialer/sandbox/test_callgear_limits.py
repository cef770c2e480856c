"""Points, components, addresses, standing: what closes an account or makes it wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dialer.sandbox.limits import Window
from tests.support.sandbox_clients import Clients, until


def figures(reply: dict[str, Any]) -> dict[str, int]:
    holder = reply["result"] if "result" in reply else reply["error"]["data"]
    return holder["metadata"]["limits"]


def test_points_are_taken_for_successes_only(start: Callable[..., Clients]) -> None:
    vendor = start(points_per_minute=150, points_per_day=750)

    placed = figures(vendor.informer())
    refused = figures(vendor.informer(contact="x"))
    placed_again = figures(vendor.informer())

    assert (placed["minute_limit"], placed["day_limit"]) == (150, 750)
    assert (placed["minute_remaining"], placed["day_remaining"]) == (149, 749)
    assert (refused["minute_remaining"], refused["day_remaining"]) == (149, 749)
    assert (placed_again["minute_remaining"], placed_again["day_remaining"]) == (148, 748)


def test_a_method_costs_what_the_config_says(start: Callable[..., Clients]) -> None:
    vendor = start(points_per_minute=10, method_points={"start.informer_call": 4, "list.calls": 0})

    assert figures(vendor.informer())["minute_remaining"] == 6
    assert figures(vendor.rpc("list.calls"))["minute_remaining"] == 6
    assert figures(vendor.informer())["minute_remaining"] == 2
    assert vendor.informer()["error"]["data"]["mnemonic"] == "limit_exceeded"


def test_the_minutes_limit_is_exact_and_ends_with_its_window(start: Callable[..., Clients]) -> None:
    vendor = start(points_per_minute=3, window_offset=0)
    for _ in range(3):
        assert "result" in vendor.informer()

    error = vendor.informer()["error"]

    assert error["code"] == -32029
    assert error["message"] == "Limit per minute has been exceeded. Value of current limit per minute is 3"
    assert error["data"]["mnemonic"] == "limit_exceeded"
    assert error["data"]["params"] == {"limit_type": "minute", "limit_max_value": 3}
    assert error["data"]["metadata"]["limits"]["minute_remaining"] == 0
    assert 0 <= error["data"]["metadata"]["limits"]["minute_reset"] < 60
    assert len(vendor.sandbox.calls()) == 3
    vendor.sandbox.configure(speed=500)
    until(lambda: "result" in vendor.informer())


def test_the_days_limit_is_named_as_the_days(start: Callable[..., Clients]) -> None:
    vendor = start(points_per_day=1)
    vendor.informer()

    error = vendor.informer()["error"]

    assert error["message"] == "Limit per day has been exceeded. Value of current limit per day is 1"
    assert error["data"]["params"] == {"limit_type": "day", "limit_max_value": 1}
    assert error["data"]["metadata"]["limits"]["day_remaining"] == 0
    assert error["data"]["metadata"]["limits"]["minute_remaining"] > 0


def test_a_windows_phase_is_its_own() -> None:
    window = Window(60.0, offset=17.0)

    assert window.seconds_left(0.0) == pytest.approx(43.0)
    window.take(5, 0.0)
    assert window.remaining(5, 42.9) == 0
    assert window.remaining(5, 43.1) == 5
    assert window.seconds_left(43.0) == pytest.approx(60.0)


def test_a_limit_lowered_below_what_is_spent_leaves_nothing(start: Callable[..., Clients]) -> None:
    vendor = start(points_per_minute=100)
    vendor.informer()
    vendor.informer()

    vendor.sandbox.configure(points_per_minute=1)

    reply = vendor.informer()
    assert reply["error"]["data"]["mnemonic"] == "limit_exceeded"
    assert (figures(reply)["minute_limit"], figures(reply)["minute_remaining"]) == (1, 0)


def test_an_address_outside_the_whitelist_is_refused_before_its_token_is_looked_at(
    start: Callable[..., Clients],
) -> None:
    vendor = start(whitelist=["10.0.0.0/8"])

    error = vendor.informer(access_token="no-such-key")["error"]

    assert (error["code"], error["message"]) == (-32003, "Your IP 127.0.0.1 is not whitelisted")
    assert error["data"]["mnemonic"] == "ip_not_whitelisted"
    assert error["data"]["params"] == {"ip": "127.0.0.1"}
    assert "metadata" not in error["data"]
    assert vendor.message().json() == {"code": "7127", "message": "Source IP not in the allowed list"}


def test_an_account_out_of_standing_cannot_do_anything(start: Callable[..., Clients]) -> None:
    vendor = start(account_active=False)

    for reply in (vendor.informer(), vendor.rpc("login.user", login="sandbox", password="sandbox")):
        assert reply["error"]["code"] == -32009
        assert reply["error"]["message"] == "Your account has been disabled, contact the support service"
        assert reply["error"]["data"]["mnemonic"] == "account_inactive"
        assert "limits" in reply["error"]["data"]["metadata"]
    assert vendor.message().status_code == 401


def test_a_method_needs_its_component(start: Callable[..., Clients]) -> None:
    vendor = start(components=["Call API Basic set"])

    error = vendor.informer()["error"]

    assert (error["code"], error["message"]) == (-32008, "Component Call API Informer calls has been disabled")
    assert error["data"]["mnemonic"] == "component_disabled"
    assert error["data"]["params"] == {"component_name": "Call API Informer calls"}
    assert vendor.rpc("list.calls")["error"]["data"]["mnemonic"] == "component_disabled"
    assert "result" in vendor.rpc("login.user", login="sandbox", password="sandbox")


def test_choosing_among_numbers_needs_its_component(start: Callable[..., Clients]) -> None:
    vendor = start(components=["Call API Informer calls"])

    assert "result" in vendor.informer(virtual_phone_usage_rule="fixed")
    refused = vendor.informer(virtual_phone_usage_rule="random")["error"]["data"]
    assert (refused["mnemonic"], refused["field"]) == ("component_disabled", "virtual_phone_usage_rule")


def test_a_key_can_expire_while_it_is_in_use(start: Callable[..., Clients]) -> None:
    vendor = start()
    assert "result" in vendor.rpc("list.calls")

    vendor.sandbox.configure(expired_tokens=["sandbox-key"])
    assert vendor.rpc("list.calls")["error"]["data"]["mnemonic"] == "access_token_expired"

    vendor.sandbox.configure(expired_tokens=[], blocked_tokens=["sandbox-key"])
    assert vendor.rpc("list.calls")["error"]["data"]["mnemonic"] == "access_token_blocked"
