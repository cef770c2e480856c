"""The document of "Make Call": no field, no receipt and no code of it is missing on either side."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from campaigns.definition.key_reference import described_keys
from dialer.providers.webex.content import VOICE
from dialer.providers.webex.fields import FIELDS
from dialer.providers.webex.settings import WebexSettings
from dialer.providers.webex.words import EVENTS, RECEIPTS, RECEIPTS_ASKED, STATUSES, folded
from dialer.sandbox.webex import message, receipts
from tests.contract.callgear.test_document import ROOT

# What the document names, in its order.
PARAMETERS = (
    *("channel", "from", "to", "to.msisdn", "to.correlationId", "priority", "callbackData", "notifyUrl"),
    *("requestedReceipts", "sendAt", "content", "content.type", "content.mediaId"),
    *("ttsProcessor", "language", "voice", "region", "text", "voiceType", "gender"),
)
EVENT_NAMES = (
    *("Offered", "Accepted", "Answered", "Dropped", "Rejected", "Released", "Disconnected"),
    *("Trombone Connected", "Trombone Released", "Message Expired"),
)
ANSWER = ("requestTimestamp", "messageId", "correlationId", "status", "code", "message")
CODES = ("7401", "7402", "7404", "7406", "7407", "7408", "7409", "7410", "7411", "7412", "7208")
HTTP = (200, 201, 400, 401, 404, 405, 409, 429, 500, 503)
MAY_BE_PLACED = {409, 500}  # "Conflict" and no more, and a failure that says nothing: nobody knows


def test_what_is_listed_here_is_what_the_document_says():
    folder = Path(os.environ.get("CALLGEAR_DOCUMENTS", ROOT / "seeds"))
    pages = [file.read_text("utf-8") for file in sorted(folder.glob("*.txt"))]
    documents = [page for page in pages if "ttsProcessor" in page]
    if not documents:
        pytest.skip("the vendor's document is not here: put it into seeds/ or name its folder in CALLGEAR_DOCUMENTS")
    for document in documents:
        assert tuple(re.findall(r"^ +[•-] ([A-Z][A-Za-z ]+): ", document, re.MULTILINE)) == EVENT_NAMES
        assert tuple(re.findall(r"^(7\d{3})[A-Z]", document, re.MULTILINE)) == CODES
        statuses = [int(status) for status in re.findall(r"^([2-5]\d\d) [A-Z]", document, re.MULTILINE)]
        assert tuple(dict.fromkeys(statuses)) == HTTP
        for name in (*PARAMETERS, *ANSWER):
            assert re.search(rf"^{re.escape(name)}(\W|yes|no|[A-Z]|$)", document, re.MULTILINE), name


def test_every_parameter_is_on_both_sides_and_has_its_place_in_campaigns():
    ours = {field.name for field in FIELDS}
    named = {"to", "content"} | {name for name in PARAMETERS if name not in message.SPEECH_FIELDS}
    assert named - {"to", "content"} - ours == set()
    assert {f"content.{name}" for name in message.SPEECH_FIELDS} <= ours
    assert set(message.SPEECH_FIELDS) == set(PARAMETERS[-7:])
    examined = {*message.MANDATORY, *message.OPTIONAL}
    assert {name for name in PARAMETERS[:-7] if "." not in name} <= examined
    assert [field.name for field in FIELDS if field.campaigns == "not sent"] == []


def test_every_key_that_a_field_comes_from_is_one_of_campaign_files_or_settings():
    named = {key for field in FIELDS for key in re.findall(r"`([^`]+)`", field.campaigns)}
    keys = {name for name, _ in described_keys()} | set(WebexSettings.model_fields)
    values = {*VOICE.values(), *RECEIPTS_ASKED, "message", "console.public_url"}
    assert named - keys - values == set()


def test_every_event_can_be_asked_for_and_is_sent_by_the_sandbox():
    words = {folded(name) for name in EVENT_NAMES}
    assert words == set(RECEIPTS) == set(message.RECEIPTS)
    sent = {event.asked_as: event.code for event in vars(receipts).values() if isinstance(event, receipts.Event)}
    assert words == set(sent)


def test_every_code_is_read_as_a_receipt_and_sent_by_the_sandbox():
    sent = {event.code for event in vars(receipts).values() if isinstance(event, receipts.Event)}
    assert set(CODES) <= set(EVENTS) & sent
    assert {code for code in CODES if EVENTS[code][0] is None} == set()


def test_every_http_status_has_a_meaning():
    refusing = {status for status in HTTP if status >= 400}
    assert refusing - set(STATUSES) == MAY_BE_PLACED
