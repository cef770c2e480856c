"""What a preview says the preferred account will say, where `by_account` has a message or a number for it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.preview import preview
from dialer.providers.registry import account_settings

ACCOUNTS = {name: account_settings(provider="webex", service_key="k") for name in ("main", "spare")}
FILE = """\
campaign: visits
accounts: [main, spare]
contacts: {file: list.csv, country: US, voice: voice}
message: {tts: "Hello {{ name }}.", voice: {language: en-US}}
caller_id: "+18005550100"
by_account:
"""


def written(folder: Path, by_account: str, row: str = "+14155550101,Ann,AriaNeural,Oak Street,1250.50") -> Path:
    (folder / "list.csv").write_text(f"phone,name,voice,The Street,sum\n{row}\n")
    (folder / "visits.yaml").write_text(f"{FILE}  {by_account}\n")
    return folder / "visits.yaml"


@pytest.mark.parametrize("account", ["main", "spare"])
def test_the_text_is_the_one_that_the_preferred_account_speaks(tmp_path, account):
    own = "{message: {tts: \"Good day {{ name }} of {{ the_street }}: {{ sum | money('USD') }}.\"}}"
    shown = preview(written(tmp_path, f"{account}: {own}"), ACCOUNTS)
    if account == "spare":
        assert (shown.text, shown.voice["voice"], shown.values) == ("Hello Ann.", "AriaNeural", ())
        return
    assert shown.text == "Good day Ann of Oak Street: 1,250.50 US dollars."
    assert shown.voice == {}, "the voice of its row is for the campaign's text"
    assert [value[:2] for value in shown.values] == [("sum", "1250.50")]
    assert shown.characters == len(shown.text)


def test_a_recording_of_the_preferred_account_leaves_no_text_to_show(tmp_path):
    shown = preview(written(tmp_path, "main: {message: {media: welcome}}"), ACCOUNTS)
    assert (shown.text, shown.voice, shown.values, shown.rejected) == (None, {}, (), None)


def test_a_text_of_its_own_that_fails_is_told_with_the_account(tmp_path):
    file = written(tmp_path, 'main: {message: {tts: "You owe {{ sum }}."}}', "+14155550101,Ann,,Oak Street,")
    shown = preview(file, ACCOUNTS)
    assert shown.rejected is not None
    assert (shown.rejected.line, shown.rejected.code) == (2, "bad_text")
    assert shown.rejected.reason == "main cannot speak its own text: sum is blank"


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        (None, None),
        ({"currency": "EUR", "per_call": "0.05", "per_minute": "0.10"}, ("EUR", Decimal("0.15"), Decimal("0.15"))),
        ({"currency": "USD", "per_minute": "0.06", "round_to": 1}, ("USD", Decimal("0.002"), Decimal("0.034"))),
        (
            {"currency": "EUR", "by_country": {"US": {"per_call": 1}}, "longest_minutes": 2, "per_minute": 3},
            ("EUR", Decimal("4.00"), Decimal("7.00")),
        ),
    ],
)
def test_a_preview_says_what_is_said_twice_what_keys_mean_and_what_the_call_costs(tmp_path, prices, cost):
    file = written(tmp_path, 'main: {message: {tts: "Hello {{ name }}.", repeat: 2}}')
    file.write_text(f"{file.read_text()}responses: {{1: confirmed, 9: stop}}\n")
    accounts = ACCOUNTS | {"main": account_settings(provider="webex", service_key="k", prices=prices)}
    shown = preview(file, accounts)
    assert (shown.repeat, shown.seconds) == (2, 2.0)
    assert shown.responses == {"1": "confirmed", "9": "stop"}
    assert shown.cost == cost


def test_a_column_that_another_accounts_message_misses_is_named_with_its_place(tmp_path):
    with pytest.raises(DefinitionFaults) as refused:
        preview(written(tmp_path, 'spare: {message: {tts: "Hello {{ nmae }}, {{ the_street }}."}}'), ACCOUNTS)
    (fault,) = refused.value.faults
    assert (fault.line, fault.column, fault.key) == (7, 26, "by_account.spare.message.tts")
    assert fault.message == 'list.csv has no column "nmae"'
    assert fault.suggestion.startswith("did you mean name?")


def test_the_number_shown_is_the_preferred_accounts_own(tmp_path):
    shown = preview(written(tmp_path, 'main: {caller_id: "+18005550101"}'), ACCOUNTS)
    assert (shown.caller_ids, shown.caller_ids_by_account) == (["+18005550101"], {})
    assert (shown.text, shown.voice["voice"]) == ("Hello Ann.", "AriaNeural"), "its message is the campaign's"


def test_each_reminder_says_what_the_preferred_account_says_of_it(tmp_path):
    own = 'main: {message: {tts: "Your visit is in {{ reminder }}."}}'
    file = written(tmp_path, own, "+14155550101,Ann,,Oak Street,2026-12-20T10:00-05:00")
    schedule = "schedule: {zone: America/New_York, before: {column: sum, at: [2d, 2h]}}\n"
    file.write_text(file.read_text() + schedule)
    shown = preview(file, ACCOUNTS)
    texts = [reminder.text for reminder in shown.reminders]
    assert len(set(texts)) == 2, texts
    assert shown.text in texts
