"""Everything wrong with a campaign file is named at once, each thing at its place and with what to write instead."""

from __future__ import annotations

import pytest

from campaigns.definition.yaml_source import DefinitionFaults
from tests.support.campaign_files import SMALL


@pytest.fixture
def faults_of(load):
    def faults_of(text: str):
        with pytest.raises(DefinitionFaults) as refused:
            load(text)
        return refused.value.faults

    return faults_of


@pytest.mark.parametrize(
    ("wrong", "line", "column", "key", "said", "suggested"),
    [
        # keys
        ("acount: main", 2, 1, "acount", "no such key", "did you mean account?"),
        ("caller-id: x", 2, 1, "caller-id", "no such key", "did you mean caller_id?"),
        ("windows: {}", 2, 1, "windows", "no such key", "it belongs at schedule.windows"),
        ("on: x", 2, 1, "on", "no such key", ""),  # true, to YAML 1.1
        ("colour: red", 2, 1, "colour", "no such key", "the keys here are campaign, account"),
        ("schedule:\n  zones: UTC", 3, 3, "schedule.zones", "no such key", "did you mean zone?"),
        # numbers
        ("ring_timeout: thirty", 2, 15, "ring_timeout", 'a whole number, found "thirty"', ""),
        ("ring_timeout: 2.5", 2, 15, "ring_timeout", "a whole number", ""),
        ("ring_timeout: 4", 2, 15, "ring_timeout", "at least 5", ""),
        ("ring_timeout: 121", 2, 15, "ring_timeout", "at most 120", ""),
        ("ring_timeout: 00:30", 2, 15, "ring_timeout", "a whole number", ""),  # 30, to YAML 1.1
        ("pace: 0", 2, 7, "pace", "at least 0.0001", ""),
        ("pace: .nan", 2, 7, "pace", "a number", ""),
        ("pace: inf", 2, 7, "pace", "", ""),
        ("concurrency: [1]", 2, 14, "concurrency", "found a list", ""),
        ("priority: 4", 2, 11, "priority", "at most 3", ""),
        ("priority: high", 2, 11, "priority", "a whole number", ""),
        # words
        ('callback_data: ""', 2, 16, "callback_data", "", ""),
        ('callback_data: "{{ visit"', 2, 16, "callback_data", "", ""),
        (f'callback_data: "{"x" * 2001}"', 2, 16, "callback_data", "2000", ""),
        ("direction: sideways", 2, 12, "direction", "expected in or out", ""),
        ("on_unknown: no", 2, 13, "on_unknown", 'expected report or redial, found "no"', ""),
        ("dtmf: 1,2", 2, 7, "dtmf", "does not fit", "digits"),
        ("dtmf: 1 2", 2, 7, "dtmf", "does not fit", "digits"),
        # sections
        ("retry: 3", 2, 8, "retry", "expected a section", "max_attempts"),
        ("schedule: [mon]", 2, 11, "schedule", "expected a section", "zone, windows"),
        # schedule
        ("schedule: {zone: America/NewYork}", 2, 18, "schedule.zone", "no time zone", "America/New_York"),
        ("schedule: {zone: EST5PDT}", 2, 18, "schedule.zone", "no time zone", ""),
        ('schedule: {windows: {mon: "9-17"}}', 2, 27, "schedule.windows.mon", "range of hours", "09:00-12:30"),
        ("schedule: {windows: {mon: 09:00}}", 2, 27, "schedule.windows.mon", "range of hours", "09:00-12:30"),
        ('schedule: {windows: {mun: "09:00-17:00"}}', 2, 22, "schedule.windows.mun", "not a weekday", "sun"),
        ('schedule: {windows: {mon: "09:00-17:00"}}', 2, 11, "schedule", "without a zone", "add zone"),
        ("schedule: {zone: UTC, windows: {}}", 2, 11, "schedule", "never open", "leave windows out"),
        ("schedule: {zone: UTC, windows: {mon: []}}", 2, 11, "schedule", "never open", "leave windows out"),
        ("schedule: {start: 2026-12-01}", 2, 19, "schedule.start", "a date without a time", "T15:00"),
        ("schedule: {start: 1.12.2026 09:00}", 2, 19, "schedule.start", "not a date and time", "T15:00"),
        ("schedule: {start: 2026-12-01T09:00}", 2, 11, "schedule", "start is given without a zone", "offset"),
        ("schedule: {end: 2026-12-01T09:00Z, start: 2026-12-01T10:00+01:00}", 2, 11, "schedule", "before start", ""),
        *(
            (f'schedule: {{zone: UTC, repeat: "{cron}"}}', 2, 31, "schedule.repeat", said, '"0 9 * * 1-5": minute')
            for cron, said in (
                ("0 9 * * 1-5 *", "has 6 fields, and cron has five here"),  # a year at the end
                ("0 0 9 * * 1-5", "has 6 fields"),  # seconds in front
                ("0 0 9 ? * MON *", "has 7 fields"),  # both
                ("* * * * * *", "has 6 fields"),
                ("9 * *", "has 3 fields"),
                ("daily", "has 1 field,"),
                ("0 25 * * *", "is not a time to repeat at"),
                ("*/90 * * * *", "*/90 does not carry over"),  # not every 90 minutes, but every hour
                ("0 */36 * * *", "*/36 does not carry over"),
                ("0 9 */40 * *", "*/40 does not carry over"),
                ("5,10/60 9 * * *", "10/60 does not carry over"),
            )
        ),
        # retry
        ("retry: {busy: [5m]}", 2, 1, "retry.max_attempts", "is missing", "at the most"),
        ("retry: {max_attempts: 0}", 2, 23, "retry.max_attempts", "at least 1", ""),
        ("retry: {max_attempts: 2, busy: [5m, 300]}", 2, 37, "retry.busy[2]", "not a duration", "30s, 5m, 2h"),
        ("retry: {max_attempts: 2, busy: [5 m]}", 2, 33, "retry.busy[1]", "not a duration", "30s, 5m, 2h"),
        ("retry: {max_attempts: 2, busy: [0s]}", 2, 33, "retry.busy[1]", "too short", "1s"),
        ("retry: {max_attempts: 2, busy: [9999999999d]}", 2, 33, "retry.busy[1]", "too long", "30d"),
        # what one key asks of another
        ("accounts: [main, main]", 2, 11, "accounts", "one of them twice", "keep each once"),
        ('by_account: {spare: {caller_id: "+18005550100"}}', 2, 21, "by_account.spare", "not among", "accounts"),
        ("limits: {cost: many}", 2, 16, "limits.cost", "expected a number", ""),
        ("limits: {cost: [5]}", 2, 16, "limits.cost", "expected a number", ""),
        ("limits: {cost: 5.1234567}", 2, 16, "limits.cost", 'must have at most 6 decimals, found "5.1234567"', ""),
        (
            "retry: {max_attempts: 2, answered_short: {under: 50%, then: []}}",
            2,
            61,
            "retry.answered_short.then",
            "is empty",
            "[1h]",
        ),
        ("canary: {contacts: 2, reached: 101%}", 2, 32, "canary.reached", 'must be at most 1, found "101%"', ""),
        ("breaker: {failures: 0%}", 2, 21, "breaker.failures", 'must be more than 0, found "0%"', ""),
        (
            "call: {kind: scenario, scenario_id: 5, operator: x}",
            *(2, 40, "call.operator", "no such key", "remove it, or write another call.kind"),
        ),
        (
            "retry: {max_attempts: 2, answered_short: {under: 50%, then: 1h}}\naccounts: [main, spare]\n"
            "by_account: {spare: {message: {media: 5}}}",
            *(4, 31, "by_account.spare.message", "is a recording", "write a text for this account"),
        ),
        ("retry: {max_attempts: 2, buzy: [5m]}", 2, 26, "retry.buzy", "no such key", "did you mean busy?"),
    ],
)
def test_a_fault_is_named_with_place_key_and_remedy(faults_of, wrong, line, column, key, said, suggested):
    lines = SMALL.splitlines()
    (fault,) = faults_of("\n".join([lines[0], wrong, *lines[1:]]))
    assert (fault.line, fault.column, fault.key) == (line, column, key)
    assert said in fault.message
    assert suggested in fault.suggestion


@pytest.mark.parametrize(
    ("right", "wrong", "key", "said", "suggested"),
    [
        ("campaign: first", "campaign: my first", "campaign", "does not fit", "letters, digits and dashes"),
        ("campaign: first", "campaign: -first", "campaign", "does not fit", "letters, digits and dashes"),
        ("campaign: first", f"campaign: {'a' * 61}", "campaign", "at most 60 characters", ""),
        ("account: main", "account:", "account", "has no value", "write a value"),
        ("account: main", "accounts: []", "accounts", "names no account", "[main, spare]"),
        ("account: main", 'account: ""', "account", "is empty", "account in the settings"),
        ("account: main", "acount: main", "acount", "no such key", "did you mean account?"),  # named once
        ("  file: first.csv", "  phone: phone", "contacts.file", "is missing", "CSV or XLSX"),
        *(
            (
                "  file: first.csv",
                f"  file: first.csv\n  encoding: {name}",
                "contacts.encoding",
                "no encoding is called",
                hint,
            )
            for name, hint in (
                ("cp1235", "did you mean cp12"),
                ("windows1253", "did you mean windows_1253?"),
                ("shift-jiss", "did you mean shift_jis?"),
                ("Excel", "write cp1250, cp1253"),
                ("base64", ""),  # encodes no text
            )
        ),
        ("  file: first.csv", "  file: first.csv\n  country: UK", "contacts.country", "no country", "did you mean GB?"),
        ('"+18005550100"', "18005550100", "caller_id", "plus at its beginning is lost", 'write "+18005550100"'),
        ("first.csv", "first.csv\n  allow: premium", "contacts.allow", "expected premium_rate, shared_cost", ""),
        ('"+18005550100"', '"08001234567"', "caller_id", "no country code", "write '+' and the country code"),
        ('"+18005550100"', "00442079460123", "caller_id", "no country code", "write '+' and the country code"),
        ('"+18005550100"', '"99912345678"', "caller_id", "no country code", "write '+' and the country code"),
        ('"+18005550100"', '"442079460123"', "caller_id", "plus at its beginning is lost", 'write "+442079460123"'),
        ('"+18005550100"', '"+14155550101.0 / 02"', "caller_id", "two numbers", "keep one"),
        ('"+18005550100"', '"+1800555"', "caller_id", "too short: it has 6 digits", "all of its digits"),
        ('"+18005550100"', '"CallUs"', "caller_id", "not a phone number", "+"),
        ('"+18005550100"', "[[1]]", "caller_id[1]", "expected text, found a list", ""),
        ('  tts: "Hello"', "  voice: {}", "message", "says nothing", "write tts or media"),
        ('  tts: "Hello"', "  tts: Hi\n  media: 7", "message", "both tts and media", "keep one"),
        ('  tts: "Hello"', "  media: 7\n  voice: {gender: male}", "message", "speaks for itself", "remove voice"),
        ('  tts: "Hello"', '  tts: ""', "message.tts", "is empty", "Text to speak"),
        ('  tts: "Hello"', '  tts: "Hello {{ First Name }}"', "message.tts", "line 1 of the text", "{{ first_name }}"),
        ('  tts: "Hello"', "  tts: |\n    Hello\n    {{ name", "message.tts", "line 2 of the text", ""),
        ('  tts: "Hello"', '  tts: "Hello \\ud83d"', "message.tts", "", ""),  # half a character
        ('  tts: "Hello"', '  tts: "  "', "message.tts", "comes out empty", ""),
        ('  tts: "Hello"', "  tts: \"{{ ''.__class__ }}\"", "message.tts", "unsafe", ""),
        ('  tts: "Hello"', "  tts: '{{ 1 / 0 }}'", "message.tts", "division by zero", ""),
        (
            'message:\n  tts: "Hello"',
            "message: Hello",
            "message",
            "expected a section",
            "tts, media, variants, voice, repeat",
        ),
        (
            'message:\n  tts: "Hello"',
            "message: {variants: {A: {tts: Hi}, b: {tts: Ho}}}",
            *("message.variants.A", '"A" does not fit', "Several texts"),
        ),
        ('  tts: "Hello"', "  tts: Hi\n  voice: female", "message.voice", "section of keys", ""),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(faults_of, right, wrong, key, said, suggested):
    (fault,) = faults_of(SMALL.replace(right, wrong))
    assert fault.key == key
    assert fault.line > 0
    assert said in fault.message
    assert suggested in fault.suggestion


SHORT = "  tts: Hello\nretry:\n  max_attempts: 2\n  answered_short: "


@pytest.mark.parametrize(
    ("right", "wrong", "line", "column", "key", "said"),
    [
        ('  tts: "Hello"', f"{SHORT}50%", 9, 19, "retry.answered_short", "its keys are under, then"),
        ('  tts: "Hello"', f"{SHORT}{{under: 5, then: 1h}}", 9, 27, "retry.answered_short.under", "at most 1"),
        ('  tts: "Hello"', f"{SHORT}{{under: 1%, then: [1x]}}", 9, 38, "retry.answered_short.then[1]", "30s, 5m"),
        ('  tts: "Hello"', f"{SHORT}{{under: 1%}}", 9, 3, "retry.answered_short.then", "is missing"),
        ('  tts: "Hello"', "  tts: Hello\n  repeat: 6", 7, 11, "message.repeat", "at most 5"),
        ('  tts: "Hello"', "  media: 7\n  repeat: 2", 6, 3, "message", "a recording, which is played once"),
        ("first.csv", "first.csv\n  where: status = due", 5, 10, "contacts.where", "put it in quotes: 'due'"),
        ("first.csv", "first.csv\n  where: amount >", 5, 10, "contacts.where", "a number is expected"),
        ("first.csv", "first.csv\n  order: {amount: up}", 5, 10, "contacts.order", "found a section"),
        ('  tts: "Hello"', "  variants: {a: {tts: Hi}}", 6, 3, "message", "write 2 to 10 of them"),
        ('  tts: "Hello"', "  variants: [a, b]", 6, 13, "message.variants", "found a list"),
        (
            '  tts: "Hello"',
            "  variants:\n    a: {tts: Hi, weight: 0}\n    b: {tts: Ho}",
            7,
            26,
            "message.variants.a.weight",
            "at least 1",
        ),
    ],
)
def test_choices_of_rows_texts_and_repeats_are_named_with_their_place(faults_of, right, wrong, line, column, key, said):
    (fault,) = faults_of(SMALL.replace(right, wrong))
    assert (fault.line, fault.column, fault.key) == (line, column, key)
    assert said in f"{fault.message} {fault.suggestion}"


def test_all_faults_are_named_at_once_and_in_the_files_order(faults_of):
    faults = faults_of(
        """\
campaign: my first
acount: main
contacts:
  country: UK
message:
  tts: "{{ name"
caller_id: 18005550100
schedule:
  zone: Mars
  windows: {mon-fry: ["9-17", "09:00-12:00"]}
schedule:
  zone: UTC
retry:
  busy: [5]
"""
    )
    assert [fault.key for fault in faults] == [
        "campaign",
        "acount",
        "contacts.file",
        "contacts.country",
        "message.tts",
        "caller_id",
        "schedule.zone",
        "schedule.windows.mon-fry",
        "schedule.windows.mon-fry[1]",
        "schedule",
        "retry.max_attempts",
        "retry.busy[1]",
    ]


def test_a_fault_prints_as_one_line_that_editors_can_follow(load, tmp_path):
    with pytest.raises(DefinitionFaults) as refused:
        load(SMALL.replace("account", "acount"))
    assert str(refused.value) == f"{tmp_path}/campaign.yaml:2:1: acount: there is no such key – did you mean account?"
