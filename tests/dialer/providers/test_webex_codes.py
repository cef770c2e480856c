"""Every code of the platform has its verdict, written down once more here, and every field its place in the table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialer.providers.webex.fields import FIELDS
from dialer.providers.webex.words import CODES
from dialer.scripts import Recording, Speech
from dialer.verdicts import Verdict
from tests.dialer.providers.test_webex import refused, webex
from tests.dialer.providers.test_webex_message import message
from tests.dialer.providers.test_webex_message import webex as made

__all__ = ["webex"]

VERDICTS = {
    Verdict.HALT_CAMPAIGN: "7000 7003 7004 7022 7101 7108 7126 9000 9001 9005 9007",
    Verdict.HALT_ACCOUNT: "7001 7002 7007 7104 7127 8009",
    Verdict.REFUSE_CONTACT: "7102 7107 9003 9008 9009",
    Verdict.SUPPRESS: "9002 9006 9010",
    Verdict.THROTTLED: "7009 7020",
    Verdict.NOT_PLACED: "7005 7006 7016 7208 9004",
}
EXPECTED = {code: verdict for verdict, codes in VERDICTS.items() for code in codes.split()}
OF_THE_POLICY = {"9008", "9009"}  # in no table: any other code of the contact policy


@pytest.mark.parametrize(("code", "verdict"), EXPECTED.items())
def test_every_code_has_its_verdict(webex, code, verdict):
    for status in (400, 409, 500):
        ruling = refused(webex, code, status=status)
        assert (ruling.verdict, ruling.code) == (verdict, code)


def test_no_code_is_without_one():
    assert set(EXPECTED) - OF_THE_POLICY == set(CODES)


def test_the_table_of_fields_has_what_is_sent_and_nothing_else():
    whole: dict[str, Any] = {
        "correlation_id": "x",
        "priority": 1,
        "callback_data": "x",
        "notify_url": "https://dialer.example/r",
        "notify_url_auth_id": "x",
        "send_at": "2026-12-01T16:00:00Z",
    }
    sent: set[str] = set()
    for content in (Speech(text="Hello"), Recording(media_id="7")):
        body = json.loads(made().sending(message(**whole, content=content)).body)
        sent |= {name for name in body if name not in {"to", "content"}}
        sent |= {f"to.{name}" for name in body["to"][0]} | {f"content.{name}" for name in body["content"]}
    assert sent == {field.name for field in FIELDS}
