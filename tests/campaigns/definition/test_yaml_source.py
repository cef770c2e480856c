"""Whatever is wrong with a campaign file as YAML is said at its line and column, in plain words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.definition import load_definition
from campaigns.definition.yaml_source import DefinitionFaults, read_source


def faults(tmp_path, content):
    file = tmp_path / "campaign.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        return read_source(file).faults
    except DefinitionFaults as exc:
        return exc.faults


@pytest.mark.parametrize(
    ("content", "line", "column", "said"),
    [
        ("", 0, 0, "the file is empty"),
        ("# only a remark\n", 0, 0, "the file is empty"),
        ("- a\n- b\n", 0, 0, "keys and values"),
        ("just words\n", 0, 0, "keys and values"),
        ("a: 1\n\tb: 2\n", 2, 1, "a tab stands"),
        ("a:\n\tb: 2\n", 2, 1, "a tab stands"),
        ("a: 1\na: 2\n", 2, 1, "written twice, first in line 1"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, 3, "written twice, first in line 2"),
        ("a: b: c\n", 1, 5, "a second colon"),
        ('a: "never closed\nb: 1\n', 3, 1, "never closed"),
        ("a: [1, 2\nb: 1\n", 2, 2, "not YAML"),
        ("a: 1\n b: 2\n", 2, 3, "a second colon"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "indented differently"),
        ("a: *1\n", 1, 4, "* begins an alias"),  # dtmf: *1
        ("a: &x 1\nb: *x\n", 2, 1, "aliases"),
        ("a: &x [*x]\n", 1, 4, "aliases"),  # a list inside itself
        ("a: !secret x\n", 1, 4, "tags (!secret)"),
        ("a: !!python/object:os.system x\n", 1, 4, "tags"),
        ("a: {{ name }}\n", 1, 5, "a value that begins with {"),
        ("a: {{ name }}, hello\n", 1, 14, "a value that begins with {"),
        ("a: {% if x %}\n", 1, 5, "a value that begins with {"),
        ("a: @home\n", 1, 4, "a sign that YAML keeps"),
        ("a:\nb: 1\n", 1, 3, "has no value"),
        ("a: #1\nb: 1\n", 1, 3, "has no value"),  # dtmf: #1 is a comment
        ("a: ~\n", 1, 4, "has no value"),
        ("a: 1\n---\nb: 2\n", 2, 1, "more than one document"),
        ("a: b\x07\n", 1, 5, "cannot be printed: U+0007"),
        ("[" * 5000, 0, 0, "nested too deep"),
        (r'a: "no \0"', 1, 4, "holds U+0000"),  # which PostgreSQL does not keep
        (r'a: "no \e[2J"', 1, 4, "holds U+001B"),
        (r'a: "no \x9b"', 1, 4, "holds U+009B"),
        ('a: "\\UFFFFFFFF"\n', 0, 0, "not YAML"),  # beyond the last character
        ("a: 1\nname: Андрей\n".encode("cp1251"), 2, 7, "not UTF-8"),
        (b"\xff\xfea", 1, 3, "not UTF-8"),  # half a UTF-16 character
    ],
)
def test_what_is_no_yaml_is_named_at_its_place(tmp_path, content, line, column, said):
    (fault, *_) = faults(tmp_path, content)
    assert said in fault.message
    assert fault.file.endswith("campaign.yaml")
    if line:
        assert (fault.line, fault.column) == (line, column)


@pytest.mark.parametrize(
    ("content", "line", "column", "key"),
    [
        ("tts: Hello {{ name }}, your order #123 is ready\n", 1, 35, "tts"),
        ("tts: Press # to hear it again\n", 1, 12, "tts"),
        ("tts: It costs  # 5 dollars\n", 1, 16, "tts"),
        ("columns: {\n  name: Account #\n}\n", 2, 17, "columns.name"),
        ("name: Account #\n", 1, 15, "name"),
        ("name: Account # (new)\n", 1, 15, "name"),
        ("sheet: Sheet #2\n", 1, 14, "sheet"),
        ("sheet: March  #2\n", 1, 15, "sheet"),
        ("reasons:\n  - asked us\n  - ticket #77\n", 3, 12, "reasons[2]"),
        ("m:\n  tts: Hello,\n    your order #5 is\nb: 1\n", 3, 16, "m.tts"),
        ("tts: One two # three\r\nb: 1\r\n", 1, 14, "tts"),
    ],
)
def test_text_that_yaml_would_leave_out_is_named_where_it_begins(tmp_path, content, line, column, key):
    found = faults(tmp_path, content)
    assert [(fault.line, fault.column, fault.key) for fault in found] == [(line, column, key)]
    assert "is a comment to YAML" in found[0].message
    assert "quotes" in found[0].suggestion


@pytest.mark.parametrize(
    ("content", "line", "column", "dropped"),
    [
        ("tts: &Hello there\n", 1, 6, "&Hello"),
        ("m:\n  tts: &Co is calling\n", 2, 8, "&Co"),
        ("names: [Smith, &Sons Ltd]\n", 1, 16, "&Sons"),
        ("a:\n- &first one\n- two\n", 2, 3, "&first"),
    ],
)
def test_a_word_that_yaml_takes_for_an_anchor_is_named(tmp_path, content, line, column, dropped):
    found = faults(tmp_path, content)
    assert [(fault.line, fault.column) for fault in found] == [(line, column)]
    assert found[0].message == f"{dropped} is an anchor to YAML and would be left out"
    assert "quotes" in found[0].suggestion


@pytest.mark.parametrize(
    "content", ["tts: Hello #1\n  and goodbye\n", "m: {name: Account #, x: y}\n", "phone: [mobile, line #2]\n"]
)
def test_a_comment_that_breaks_the_file_is_mentioned(tmp_path, content):
    (fault,) = faults(tmp_path, content)
    assert "text after # is a comment" in fault.suggestion


@pytest.mark.parametrize(
    "content",
    [
        "sheet: March    # else the first\n",
        "sheet: March  # else the first\r\n",
        "file: https://example.com/#top\n",
        "pace: 5 # a second\nurgent: true # for alerts\n",
        "at: 09:00 # early\nbusy: 5m # or longer\n",
        'caller_id: "+18005550100"  # main line\n',
        'tts: "Hello you, order #5" # a greeting\n',
        "phone: [mobile, landline] # in order\n",
        "retry: # when\n  max: 3 # of all\n  # more\n",
        "tts: > # folded\n  Your order #5\n  is ready # now\n",
        "tts: C# for you\n",
    ],
)
def test_a_comment_that_nobody_can_have_meant_as_text_is_a_comment(tmp_path, content):
    assert faults(tmp_path, content) == ()


@pytest.mark.parametrize("blank", ["\u00a0", "\u2003", "\u3000", "\u200b"])
@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("contacts:\n__file: l.csv\n__phone: phone\n", 2, 1),
        ("contacts:\n_ _ file: l.csv\n", 2, 1),
        ("campaign:_t\naccount: main\n", 1, 10),
        ("contacts:\n  file:_l.csv\n", 2, 8),
        ("contacts:\n  file: l.csv\n  phone:_phone\n", 3, 9),
        ("phone:\n  -_mobile\n", 2, 4),
        ("phone:\n  - mobile\n  -_landline\n", 3, 4),
        ("contacts: {file: l.csv, phone:_p}\n", 1, 31),
    ],
)
def test_what_looks_like_a_space_and_is_none_is_named(tmp_path, content, line, column, blank):
    found = faults(tmp_path, content.replace("_", blank))
    assert (found[0].line, found[0].column) == (line, column)
    assert f"(U+{ord(blank):04X}) stands where YAML wants a space" in found[0].message


@pytest.mark.parametrize(
    "content",
    ['tts: "Bonjour, rappel:_demain"\n', "tts: Rappel:_demain_!\n", "tts: |\n  Bonjour\n  _- rappel:_demain\n"],
)
def test_such_a_blank_inside_a_text_is_a_part_of_it(tmp_path, content):
    assert faults(tmp_path, content.replace("_", "\u00a0")) == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_read_however_an_editor_saves_it(tmp_path, encoding, end):
    file = tmp_path / "campaign.yaml"
    file.write_bytes(f"name: Ирина{end}list:{end}  - a{end}  - b{end}".encode(encoding))
    source = read_source(file)
    assert source.data == {"name": "Ирина", "list": ["a", "b"]}
    assert source.values["list", 1] == (4, 5)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"),  # YAML 1.1 says false
        ("on", "on"),
        ("09:00", "09:00"),  # and 540
        ("+18005550100", "+18005550100"),  # and a number without its plus
        ("007", "007"),  # and seven
        ("1e3", "1e3"),
        ("2026-12-01", "2026-12-01"),  # and a date
        ("'null'", "null"),  # in quotes it is a word
        ("'~'", "~"),
    ],
)
def test_values_are_the_text_that_stands_there(tmp_path, written, read):
    file = tmp_path / "campaign.yaml"
    file.write_text(f"a: {written}\n")
    assert read_source(file).data == {"a": read}


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DefinitionFaults, match=r"nothing\.yaml: no such file"):
        read_source(tmp_path / "nothing.yaml")
    with pytest.raises(DefinitionFaults, match="this is a folder"):
        read_source(tmp_path)


def test_faults_come_in_the_files_order_and_carry_a_remedy(tmp_path):
    file = tmp_path / "campaign.yaml"
    file.write_text("a:\nb: 1\nb: 2\n")
    source = read_source(file)
    error = DefinitionFaults(reversed(source.faults))
    assert [fault.line for fault in error.faults] == [1, 3]
    assert error.remedy
    assert str(error).splitlines()[1].startswith(f"{file}:3:1: b: is written twice")


PIECES = [
    "a",
    "b",
    ":",
    ": ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    "#",
    "&x",
    "*x",
    "!t",
    "|",
    ">",
    "\t",
    "?",
    "%",
    "---",
]
PIECES += [
    "campaign: x\n",
    "message:\n",
    "  tts: hi\n",
    "schedule:\n",
    "  windows:\n",
    "    mon: ",
    "\ufeff",
    "\x00",
    "\\",
    "é",
    "~",
]


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=60) | st.binary(max_size=60))
def test_any_file_at_all_gives_faults_and_never_a_traceback(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    with pytest.raises(DefinitionFaults) as refused:
        load_definition(file)
    assert refused.value.faults
