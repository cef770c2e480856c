"""docs/webex.md: what is sent, what is answered, what is received, and the test of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from dialer.providers.webex.fields import FIELDS
from dialer.providers.webex.rulings import rows
from dialer.providers.webex.words import EVENT_WORDS, EVENTS, Event
from scripts.markdown_table import table

TESTS = "tests/dialer/providers"
GOOD = f"{TESTS}/test_webex_message.py::test_every_field_of_the_document_goes_out_as_it_was_given"
BAD = f"{TESTS}/test_webex_message.py::test_what_the_document_does_not_allow_is_refused_before_it_is_sent"
VOICE = f"{TESTS}/test_webex.py::test_a_spoken_call_is_one_recipient_with_every_field_of_the_voice"
CODE = f"{TESTS}/test_webex_codes.py::test_every_code_has_its_verdict"
STATUS = f"{TESTS}/test_webex.py::test_a_reply_without_a_word_is_ruled_by_its_http_status"
RECEIPT = f"{TESTS}/test_webex.py::test_a_receipt_is_read_by_its_code_then_by_its_word"
OVER = f"{TESTS}/test_webex.py::test_an_end_that_comes_with_good_and_bad_calls_does_not_say_how_it_ended"
DESTINATION = f"{TESTS}/test_webex.py::test_a_bad_parameter_is_the_contacts_fault_only_where_it_is_the_destination"
SPOKEN = f"{TESTS}/test_webex.py::test_a_500_in_which_the_provider_speaks_is_asked_again_as_its_document_says"
REJECTED = f"{TESTS}/test_webex.py::test_a_rejected_call_without_a_code_was_not_placed"
HALF = f"{TESTS}/test_webex.py::test_a_success_without_a_message_id_is_unconfirmed"
PARTIAL = f"{TESTS}/test_webex.py::test_a_success_that_is_partial_or_over_is_unconfirmed_though_it_names_a_call"
OTHER = {
    "invalid_parameter on the destination": DESTINATION,
    "http_500": SPOKEN,
    "rejected": REJECTED,
    "partial": PARTIAL,
    "no_message_id": HALF,
}
PLACED = f"{TESTS}/test_webex.py::test_a_message_id_is_a_placed_call"
CUT = "tests/dialer/clients/test_webex_client.py::test_what_went_wrong_says_what_may_be_done_next"
LATE = "tests/dialer/clients/test_webex_client.py::test_an_answer_that_does_not_come_in_time_is_unconfirmed"


def _fields() -> str:
    lines = [
        (
            f"`{field.name}`",
            "yes" if field.required else "",
            field.checked,
            field.campaigns,
            VOICE if field.name.startswith("content.") and field.name != "content.mediaId" else f"{GOOD}, {BAD}",
        )
        for field in FIELDS
    ]
    return _tests_table(("field", "required", "what is allowed", "campaigns send", "test"), lines)


def _answers() -> str:
    lines = [
        ("200, 201", "with `messageId`", "placed", "the provider has the call", PLACED),
        ("none", "cut connection", "unconfirmed", "it may have been placed", CUT),
        ("none", "time-out", "unconfirmed", "it may have been placed", LATE),
    ]
    other = "any other, such as 408, 409, 5xx without a word"
    for row in rows():
        test = OTHER.get(row.mnemonic, STATUS if row.mnemonic.startswith("http_") else CODE)
        lines.append((row.code, f"`{row.mnemonic}`", row.verdict, row.note, test))
    lines.append((other, "", "unconfirmed", "it may have been placed", STATUS))
    return _tests_table(("code", "what", "verdict", "which means", "test"), lines)


def _receipts() -> str:
    words: dict[Event, list[str]] = {}
    for word, event in EVENT_WORDS.items():
        words.setdefault(event, []).append(f"`{word}`")
    lines = [
        (code, *_said(event), OVER if code in {"7405", "7409", "7410"} else RECEIPT) for code, event in EVENTS.items()
    ]
    lines += [
        (", ".join(names), *_said(event), RECEIPT) for event, names in words.items() if event not in EVENTS.values()
    ]
    return _tests_table(("code, or word", "the call is", "outcome", "test"), lines)


def _said(event: Event) -> tuple[str, str]:
    progress, outcome = event
    return (progress or "as it was", outcome or "")


def _tests_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    return table(head, ([_short(cell) for cell in line] for line in lines))


def _short(cell: str) -> str:
    """Tests by file and name, without the folder that all of them share."""
    return re.sub(r"tests/[\w/]*/", "", cell) if "::" in cell else cell


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "webex.md": {"fields": _fields, "answers": _answers, "receipts": _receipts}
}
