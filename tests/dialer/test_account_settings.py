"""Accounts: where they lead, and what must not be written there."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dialer.account import KEPT_FOR_WHAT_IS_URGENT, limits_of
from dialer.bucket import Limits
from dialer.providers.provider import Follows
from dialer.providers.registry import account_settings


@pytest.mark.parametrize(
    ("provider", "given", "url"),
    [
        ("callgear", None, "https://callapi.callgear.com/v4.0"),
        ("callgear", "http://127.0.0.1:8900", "http://127.0.0.1:8900/v4.0"),  # the version is the document's path
        ("callgear", "http://127.0.0.1:8900/", "http://127.0.0.1:8900/v4.0"),
        ("callgear", "http://127.0.0.1:8900/v4.0/", "http://127.0.0.1:8900/v4.0"),
        ("callgear", "https://callapi.uiscom.ru/v4.0", "https://callapi.uiscom.ru/v4.0"),  # the same API, another brand
        ("callgear", "http://127.0.0.1:8900/proxy/v4.0", "http://127.0.0.1:8900/proxy/v4.0"),
        ("webex", None, "https://api.us.webexconnect.io"),
        ("imiconnect", "http://127.0.0.1:8900/", "http://127.0.0.1:8900"),
    ],
)
def test_an_account_leads_to_its_providers_api(provider, given, url):
    assert account_settings(provider=provider, base_url=given).url == url


def test_a_password_in_the_url_is_refused():
    with pytest.raises(ValidationError, match="put keys into their own settings"):
        account_settings(provider="callgear", base_url="http://user:secret@127.0.0.1")


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"provider": "callgear"}, "access_token, or login and password"),
        ({"provider": "callgear", "login": "me"}, "access_token, or login and password"),
        ({"provider": "callgear", "access_token": "key"}, None),
        ({"provider": "callgear", "login": "me", "password": "secret"}, None),
        ({"provider": "webex"}, "service_key, or jwt_issuer and jwt_secret"),
        ({"provider": "webex", "service_key": "key"}, None),
    ],
)
def test_an_account_says_which_key_it_lacks(settings, missing):
    assert account_settings(**settings).credentials_missing == missing


def test_no_key_shows_when_an_account_is_printed():
    account = account_settings(provider="callgear", access_token="very-hidden", password="also-hidden")
    assert "hidden" not in repr(account) + str(account) + account.model_dump_json()


def test_an_account_without_a_provider_says_what_to_write():
    with pytest.raises(ValidationError, match=r'write provider = "callgear", "imiconnect" or "webex"'):
        account_settings(base_url="http://127.0.0.1")


@pytest.mark.parametrize(("follows", "looks"), [(Follows.LISTING, 4.0), (Follows.RECEIPTS, None)])
def test_what_the_settings_allow_is_what_the_bucket_keeps_to(follows, looks):
    given = {"pace": 2.5, "minute_points": 150, "day_points": 750, "concurrency": 8, "poll_seconds": 4}
    settings = account_settings(**{"provider": "callgear", **given})
    kept = Limits(
        pace=2.5,
        minute_points=150,
        day_points=750,
        concurrency=8,
        poll_seconds=looks,
        reserved_share=KEPT_FOR_WHAT_IS_URGENT,
        flight_lease=3 * settings.timeout + 5,
    )
    assert limits_of(settings, follows=follows) == kept
