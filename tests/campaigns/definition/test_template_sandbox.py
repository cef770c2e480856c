"""Whatever a text says, it is made within its bounds of length, iterations and time, or refused with why."""

from __future__ import annotations

import resource
import time

import pytest

from campaigns.definition.template_sandbox import TemplateFault
from campaigns.definition.templates import BadText, Template

LONG = "x" * 100_000
NEVER = {  # what has no bounds is refused before a list is read
    "{{ 10 ** 10 ** 10 }}": "** is not calculated",
    "{{ '%1000000000d' | format(1) }}": "No filter named 'format'",
    "{{ 'a' | center(2000000000) }}": "No filter named 'center'",
    "{{ 'a'.center(2000000000) }}": "center() cannot be used",
    "{{ 'a'.ljust(2000000000) }}": "ljust() cannot be used",
    "{{ '{:1000000000}'.format(1) }}": "format() cannot be used",
    "{{ name | indent(1000000000) }}": "No filter named 'indent'",
    "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}": "no macros",
    "{% for x in name recursive %}{{ loop(name) }}{% endfor %}": "does not call itself",
    "{% set a %}x{% endset %}{{ a }}": "{% set name = value %}",
    "{% filter upper %}x{% endfilter %}": "behind a value",
    "{% set a = [1] %}{% set b = [a, a, a] %}{{ b }}": "texts and numbers only",
    "{{ " + "+".join(["1"] * 500) + " }}": "nested too deep",
    "x" * 30_000: "20,000 are the most",
}
TOO_MUCH = {  # and what comes to too much only with a contact's values, while the text is made
    "{{ 'a' * 1000000000 }}": "1,000,000,000 characters",
    "{{ 1000000000 * name }}": "characters",
    "{{ '%1000000000d' % 1 }}": "% is calculated of numbers only",
    "{% set a = 'x' * 50000 %}{{ a ~ a }}": "100,000 characters",
    "{% set a = 'x' * 50000 %}{{ a + a }}": "100,000 characters",
    "{% set a = 'x' * 30000 %}{{ a }}{{ a }}": "60,000 characters",
    "{{ '1'.zfill(1000000000) }}": "1,000,000,000 characters",
    "{{ 'aaaaaaaaaa'" + " | replace('a', 'aaaaaaaaaa')" * 12 + " }}": "characters",
    "{{ 'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 12 + " }}": "characters",
    "{{ name | list | join('" + "x" * 5000 + "') }}": "characters",
    "{{ ('x' * 5000).join(name | list) }}": "characters",
    "{{ name | list * 1000000000 }}": "* is calculated of numbers only",
    "{% set a = 99999999999999999999 %}" + "{% set a = a * a %}" * 40 + "{{ a }}": "too many digits",
    "{{ name | list }}": "a list cannot be spoken",
    "{{ long }}" * 1000: "characters",
}
MANY = "5,000 iterations"
LOOPS = {
    "{% for a in long %}{% for b in long %}{% for c in long %}{% endfor %}{% endfor %}{% endfor %}.": MANY,
    "{% for a in long %}{% if a == 'y' %}{{ a }}{% endif %}{% endfor %}.": MANY,
    "{% for a in name * 200 %}"
    + "{% set b = long[:40000] | list | sort | join %}" * 200
    + "{% endfor %}.": "3 seconds",
}


@pytest.fixture(autouse=True)
def _within_ten_seconds_and_300_mb():
    """Each bomb ends soon, without memory that it could ask for."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


@pytest.mark.parametrize("source", NEVER)
def test_what_has_no_bounds_is_refused_with_its_line(source):
    with pytest.raises(TemplateFault) as refused:
        Template(f"first line\n{source}" if len(source) < 1000 else source)
    assert NEVER[source] in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize("source", TOO_MUCH)
def test_a_text_that_comes_to_too_much_is_refused_for_this_contact(source):
    with pytest.raises(BadText) as refused:
        Template(source).render({"name": "Amelia" * 20, "long": LONG})
    assert TOO_MUCH[source] in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("source", LOOPS)
def test_a_text_that_takes_too_much_work_is_refused_for_the_whole_list(source):
    """A list has a million rows: it is not tried with each."""
    with pytest.raises(TemplateFault) as refused:
        Template(source).render({"name": "Amelia" * 20, "long": LONG})
    assert LOOPS[source] in refused.value.message


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ name | upper }} {{ name.split('a')[0] }}", "AMELIA Ameli"),
        ("{{ {'m': 'Mr', 'f': 'Ms'}[sex] }} {{ name }}", "Ms Amelia"),
        ("{% if day in ['Sat', 'Sun'] %}weekend{% else %}weekday{% endif %}", "weekend"),
        ("{% for digit in code %}{{ digit }}{{ ', ' if not loop.last }}{% endfor %}", "4, 0, 7"),
        ("{{ code | list | join(', ') }}", "4, 0, 7"),
        ("{{ '-' * 3 }} {{ name[:3] }} {{ 7 // 2 + 1 }} {{ name | replace('A', 'E') }}", "--- Ame 4 Emelia"),
        ("{% for a, b in {'x': 1}.items() %}{{ a ~ b }}{% endfor %}", "x1"),
        ("{{ code | int * 2 }} {{ 2.345 | round(1) }} {{ code.zfill(5) }}", "814 2.3 00407"),
    ],
)
def test_what_texts_need_is_there(source, text):
    assert Template(source).render({"name": "Amelia", "sex": "f", "day": "Sat", "code": "407"}) == text
