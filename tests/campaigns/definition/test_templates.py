"""A text says the whole sentence, or names what it lacks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.definition.blanks import trimmed_cells
from campaigns.definition.column_names import comparable, template_name
from campaigns.definition.template_sandbox import TemplateFault
from campaigns.definition.templates import BadText, MissingVariable, Template


def test_a_text_says_the_contacts_values():
    template = Template("Hello {{ name }}, see you on {{ day }}.")
    assert template.render({"name": "Amelia", "day": "Monday"}) == "Hello Amelia, see you on Monday."
    assert template.variables == ("day", "name")
    assert not template.is_fixed


def test_a_text_without_variables_says_the_same_to_all():
    assert Template("The water is off tomorrow.").is_fixed
    assert Template("{% raw %}{{ this is no variable }}{% endraw %}").is_fixed


def test_line_breaks_and_runs_of_spaces_are_spoken_as_one():
    assert (
        Template("Hello\n  {{ name }},\tgood\u00a0 day.\n").render({"name": " Amelia\nMay "})
        == "Hello Amelia May, good day."
    )


@pytest.mark.parametrize("blank", ["", "   ", "\t", "\u00a0"])
def test_a_blank_value_is_refused_by_name(blank):
    with pytest.raises(MissingVariable) as refused:
        Template("Hello {{ name }}, {{ day }}").render({"name": "Amelia", "day": blank})
    assert refused.value.name == "day"


def test_a_value_that_is_not_there_is_refused_by_name():
    with pytest.raises(MissingVariable, match="day"):
        Template("Hello {{ name }}, {{ day }}").render({"name": "Amelia"})


@pytest.mark.parametrize(
    "source",
    [
        "{{ name | upper }}",
        "{{ name ~ '!' }}",
        "{{ name[0] }}",
        "{% if name == 'x' %}a{% else %}b{% endif %}",  # to compare it is to use it
        "{% for letter in name %}{{ letter }}{% endfor %}",
        "{{ name.first }}",
    ],
)
def test_a_blank_value_is_refused_however_it_is_used(source):
    with pytest.raises(MissingVariable, match="name"):
        Template(source).render({"name": ""})


@pytest.mark.parametrize(
    "source",
    ["Hello {{ name | default('there') }}", "Hello {% if name %}{{ name }}{% else %}there{% endif %}"],
)
def test_a_template_may_say_what_to_do_without_a_value(source):
    template = Template(source)
    assert template.render({"name": ""}) == "Hello there"
    assert template.render({"name": "Amelia"}) == "Hello Amelia"


@pytest.mark.parametrize("header", ["First Name", "first_name", "FIRSTNAME", "FirstName", "first name ", "First_ Name"])
@pytest.mark.parametrize("variable", ["first_name", "FirstName", "firstname"])
def test_names_match_without_case_spaces_and_underscores(header, variable):
    assert Template(f"Hi {{{{ {variable} }}}}").render({header: "Amelia"}) == "Hi Amelia"


@pytest.mark.parametrize(
    ("header", "written"),
    [
        ("First Name", "first_name"),
        ("Order no.", "order_no"),
        ("2nd phone", "_2nd_phone"),  # names do not begin with a digit
        ("Имя", "имя"),
        ("  ", ""),
        ("№", "no"),
    ],
)
def test_a_header_becomes_a_name_that_templates_can_write(header, written):
    assert template_name(header) == written
    assert not written or written.isidentifier()


def test_names_in_any_script_can_be_spoken():
    assert Template("Здравствуйте, {{ имя }}!").render({"Имя": "Ирина"}) == "Здравствуйте, Ирина!"
    assert comparable("Straße_1") == comparable("STRASSE 1")


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("Hello\n{{ First Name }}", 2, "got 'Name'"),
        ("Hello {{ name", 1, "unexpected end"),
        ("Hello {% if name %}", 1, "end of template"),
        ("a\nb\n{{ name | shout }}", 3, "shout"),
        ("{{ name | random }}", 1, "random"),  # chance has no place in a text that was checked
        ("a\n{% include 'other' %}", 2, "another file"),
        ("{% import 'other' as o %}", 1, "another file"),
        ("{% extends 'other' %}", 1, "another file"),
        ("{{ range(3) }}{{ name }}", 1, "range() cannot be used"),  # there are no globals
        ("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", 1, "cannot be read"),
    ],
)
def test_a_template_that_cannot_be_read_says_where_and_why(source, line, said):
    with pytest.raises(TemplateFault) as refused:
        Template(source)
    assert said in refused.value.message
    assert refused.value.line == line
    assert refused.value.remedy


def test_a_header_typed_into_a_template_is_answered_with_the_name_to_write():
    with pytest.raises(TemplateFault) as refused:
        Template("Hello {{ First Name }}")
    assert refused.value.remedy == "write {{ first_name }}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ name.__class__.__mro__ }}",
        "{{ name.__init__.__globals__ }}",
        "{{ 1 / 0 }}{{ name }}",
    ],
)
def test_a_template_that_fails_or_reaches_out_gives_no_text(source):
    with pytest.raises(BadText):
        Template(source).render({"name": "Amelia"})


def test_a_value_is_never_read_as_a_template():
    assert Template("{{ name }}").render({"name": "{{ 7 * 7 }}<b>"}) == "{{ 7 * 7 }}<b>"


def test_a_text_that_comes_out_empty_is_refused():
    with pytest.raises(BadText, match="empty"):
        Template("{% if name == 'Amelia' %}Hello{% endif %}").render({"name": "Noah"})


PIECES = [
    "Hello ",
    "{{ a }}",
    "{{b}}",
    "\n ",
    "{# a remark #}",
    "{% raw %}{{ a }}{% endraw %}",
    "{{- a -}}",
    "  {%- if a %}x{% endif %}",
]
PIECES += ["{{ a | upper }}", "100 %", "{", "}", "é"]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6),
    st.text(" ax{}%é\n", max_size=5),
    st.text(" b<&", max_size=3),
)
def test_a_plain_text_says_what_jinja_would_say(pieces, a, b):
    """Words and names are joined without running the template; by no text may that be heard."""
    try:
        template = Template("".join(pieces))
    except TemplateFault:
        return
    values = {"a": a, "b": b}

    def said(one: Template) -> str:
        try:
            return one.render(values)
        except BadText as exc:
            return f"refused: {exc}"

    run = Template("".join(pieces))
    run._plain = None
    assert said(template) == said(run)


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("{{ day | dates }}", "did you mean date?"),
        ("{{ day | monney('USD') }}", "did you mean money?"),
        ("{{ day | uper }}", "did you mean upper?"),
        ("{{ day | zzz }}", "the filters for speech are date, time, money, spell"),
    ],
)
def test_an_unknown_filter_is_answered_with_the_nearest(source, remedy):
    with pytest.raises(TemplateFault, match="No filter named") as refused:
        Template(source)
    assert refused.value.remedy == remedy


@pytest.mark.slow
@given(
    st.dictionaries(st.sampled_from(["name", "time", "to pay"]), st.text(max_size=12), min_size=3),
    st.sampled_from(["{{ name }}", "Hi {{ name }}, 100 %, {{ time }}!", "{{ to_pay }} {{ name }} {{ name }}\n\n%s"]),
)
def test_a_row_is_told_as_its_fields_are(held, source):
    """The quick way for rows says what the other says, and refuses what it refuses."""
    template = Template(source)
    fields = dict(zip(map(template_name, held), trimmed_cells(list(held.values())), strict=True))
    values = tuple(fields[name] for name in template.variables)

    def told(say):
        try:
            return say()
        except BadText as exc:
            return f"{type(exc).__name__}: {exc}"

    assert told(lambda: template.row_speaker(template.variables)(values, None)[0]) == told(
        lambda: template.render(fields)
    )
