"""What a list holds is said as people say it, or refused with what to write."""

from __future__ import annotations

import pytest

from campaigns.definition.templates import BadText, MissingVariable, Template

SAID = [
    ("{{ a | date }}", "2026-12-05T15:00", "Saturday, December 5"),
    ("{{ a | date(year=true) }}", "2026-12-05", "Saturday, December 5, 2026"),
    ("{{ a | date('en-GB') }}", "2026-12-05 15:00:00", "Saturday 5 December"),
    ("{{ a | date('ru') }}", "2026-12-05T15:00+03:00", "суббота, 5 декабря"),
    ("{{ a | date('de', read='%d.%m.%Y') }}", "05.12.2026", "Samstag, 5. Dezember"),
    ("{{ a | time }}", "15:00", "3:00 PM"),
    ("{{ a | time }}", "2026-12-05T09:05:00-05:00", "9:05 AM"),
    ("{{ a | time('ru') }}", "2026-12-05T15:00", "15:00"),
    ("{{ a | money('USD') }}", "1,250.50", "1,250.50 US dollars"),
    ("{{ a | money('USD') }}", "$1", "1 US dollar"),
    ("{{ a | money('eur') }}", "1 250,50 €", "1,250.50 euros"),
    ("{{ a | money('EUR', 'de') }}", "1.250", "1.250 Euro"),
    ("{{ a | money('RUB', 'ru') }}", "1 250 руб.", "1 250 российских рублей"),
    ("{{ a | spell }}", "AB-12", "A, B, 1, 2"),
    ("{{ a | spell }}", "0042", "0, 0, 4, 2"),
    ("{{ a | spell }}", "Ж7", "Ж, 7"),
]
REFUSED = [
    ("{{ a | date }}", "tomorrow", "not a date or time"),
    ("{{ a | date }}", "05.12.2026", 'date(read="%d.%m.%Y")'),
    ("{{ a | date }}", "2026-13-05", "not a date or time"),
    ("{{ a | date }}", "15:00", "no date"),
    ("{{ a | time }}", "2026-12-05", "without a time"),
    ("{{ a | time }}", "05.12.2026 15:00", 'time(read="%d.%m.%Y %H:%M")'),
    ("{{ a | time }}", "3pm", "not a date or time"),
    ("{{ a | date('xx-yy') }}", "2026-12-05", "no language"),
    ("{{ a | money('XXQ') }}", "12", "no currency"),
    ("{{ a | money('USD') }}", "twelve", "not an amount"),
    ("{{ a | money('USD') }}", "1-2", "not an amount"),
    ("{{ a | spell }}", "--", "no letter or digit to spell"),
]


@pytest.mark.parametrize(("source", "held", "said"), SAID)
def test_a_value_is_said_as_people_say_it(source, held, said):
    assert Template(source).render({"a": held}) == said


@pytest.mark.parametrize(("source", "held", "why"), REFUSED)
def test_a_value_that_cannot_be_said_so_is_refused_with_what_to_write(source, held, why):
    with pytest.raises(BadText) as refused:
        Template(source).render({"a": held})
    assert why in f"{refused.value} {refused.value.suggestion}"
    assert refused.value.suggestion or "code" in str(refused.value)


@pytest.mark.parametrize("filter_", ["date", "time", "money('USD')", "spell"])
def test_a_blank_is_blank_whatever_it_would_have_been(filter_):
    with pytest.raises(MissingVariable, match="a"):
        Template(f"{{{{ a | {filter_} }}}}").render({"a": ""})
