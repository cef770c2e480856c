"""What `dialer preview` says of the examples, in twelve languages, is what a person has read beside CLDR's patterns.

The text that is kept, previews.txt, was read line by line. To keep another, read it, and write it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel import Locale

from scripts.examples_page import lay_out
from tests.support.examples import EXAMPLES
from tests.support.shell import Shell

KEPT = Path(__file__).with_name("previews.txt")
ACCOUNTS = """\
[accounts]
main = {provider = "callgear", access_token = "sandbox-key"}
callgear = {provider = "callgear", access_token = "sandbox-key", prices = {currency = "USD", per_minute = "0.05"}}
webex = {provider = "webex", service_key = "sandbox-key"}
"""
CURRENCIES = {
    "en-GB": "GBP",
    "de": "EUR",
    "fr": "EUR",
    "es": "EUR",
    "pl": "PLN",
    "ru": "RUB",
    "lt": "EUR",
    "fi": "EUR",
    "hu": "HUF",
    "ja": "JPY",
    "zh": "CNY",
    "ar": "KWD",
}
CAMPAIGN = """\
campaign: languages
account: main
contacts: {file: languages.csv}
message:
  tts: >
    {{ pickup | date(LANGUAGE) }} | {{ pickup | date(LANGUAGE, year=true) }} | {{ pickup | time(LANGUAGE) }} |
    {{ to_pay | money("CURRENCY", LANGUAGE) }} | {{ parcel | spell }}
caller_id: "+18005550100"
"""
LIST = (
    "phone,pickup,to_pay,parcel\n+12125550102,2026-12-05T20:05Z,1234.5678,K4-77\n+12125550103,2027-02-01T09:00,1,B1\n"
)


@pytest.fixture
def shell(tmp_path) -> Shell:
    for file in EXAMPLES.glob("*.yaml"):
        lay_out(file.stem, tmp_path)
    shell = Shell(tmp_path)
    shell.write("dialer.toml", ACCOUNTS)
    shell.write("languages.csv", LIST)
    return shell


def previews(shell: Shell) -> Iterator[str]:
    """Each example's first contact, then two contacts in each language, below CLDR's patterns of it."""
    for file in sorted(EXAMPLES.glob("*.yaml")):
        yield f"# {file.name}"
        yield from spoken(shell, file.name)
    for language, currency in CURRENCIES.items():
        locale = Locale.parse(language.replace("-", "_"))
        day, time = locale.date_formats["full"].pattern, locale.time_formats["short"].pattern
        yield f"# {language}   CLDR: {day}   {time}   {locale.decimal_formats[None].pattern}"
        shell.write("languages.yaml", CAMPAIGN.replace("LANGUAGE", f'"{language}"').replace("CURRENCY", currency))
        yield from spoken(shell, "languages.yaml", "--row", "2")
        yield from spoken(shell, "languages.yaml", "--row", "3")


def spoken(shell: Shell, *arguments: str) -> Iterator[str]:
    facts = shell.run("preview", *arguments, "--json").json
    assert "error" not in facts, facts
    yield facts["text"] or "(says nothing of its own)"
    for value in facts["values"]:
        change = f"   ({value['change']})" if value["change"] else ""
        yield f"    {value['name']}: {value['value']}  ->  {value['spoken']}{change}"


def test_the_examples_are_said_as_they_were_read_in_twelve_languages(shell):
    assert "\n".join(previews(shell)) + "\n" == KEPT.read_text(encoding="utf-8")
