"""Import as a whole: a list means the same however it was saved, and no file at all ends in a traceback."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.audience import open_list, read_audience
from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.rejects import RejectCode
from campaigns.definition import Definition, load_definition
from campaigns.launch.checking.checks import check
from dialer.errors import DialerError
from dialer.providers.registry import account_settings
from tests.support.campaign_files import FULL, GOOD, SMALL, read_list, workbook
from tests.support.draws import times

LATIN = ["José Ñandú", "Zoë Müller", "Jürgen Weiß", "François Lefèvre", "Søren Åström", "Inês Conceição"]
CYRILLIC = ["Ирина Ёлкина", "Пётр Громкий", "Андрей Ильин", "Ольга Жукова", "Светлана Щербакова", "Юрий Чехов"]
ENCODINGS = {
    "utf-8": LATIN + CYRILLIC,
    "utf-8-sig": LATIN + CYRILLIC,
    "utf-16": LATIN + CYRILLIC,
    "cp1251": CYRILLIC,
    "latin-1": LATIN,
}
PUNCTUATION = " ,;\t|\"'\n#=+-0123456789@"
NUMBERS = [f"+1415555{n:04}" for n in range(100, 200)] + [f"(212) 555-{n:04}" for n in range(100, 200)]


@st.composite
def lists(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """An encoding, and a list of people whose names can be written in it, with anything at all in their notes."""
    encoding = draw(st.sampled_from(sorted(ENCODINGS)))
    people = st.sampled_from(ENCODINGS[encoding])
    notes = st.text(PUNCTUATION, max_size=6)
    rows = draw(st.lists(st.tuples(st.sampled_from(NUMBERS), people, notes), min_size=4, max_size=12))
    return encoding, [["Phone", "First Name", "Note"], *(list(row) for row in rows)]


def contacts_in(folder: Path, content: bytes, **named: Any) -> list[Any]:
    audience = read_list(folder, content, country="US", message={"tts": "Hello {{ first_name }}"}, **named)
    read = [(one.phone.e164, one.text, dict(one.fields)) for one in audience.contacts()]
    return [read, [(reject.code, reject.reason.partition(" in line")[0]) for reject in audience.rejects]]


def read_or_asked(folder: Path, content: bytes, encoding: str) -> list[Any]:
    """What is read of the list; a few western words may be of several code pages, so that the user is asked."""
    try:
        return contacts_in(folder, content)
    except BadContactsFile as asked:
        if encoding != "latin-1" or "the encoding of this file cannot be told" not in asked.message:
            raise
        return contacts_in(folder, content, encoding=encoding)


@pytest.mark.slow
@pytest.mark.drawn
@settings(max_examples=times(50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lists(),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\r\n", "\n", "\r"]),
)
def test_a_list_imports_to_the_same_contacts_however_it_was_saved(tmp_path, given_list, delimiter, quoting, end):
    """GOV.UK Notify's bar: every encoding, delimiter, quoting and line ending, and XLSX."""
    encoding, rows = given_list
    text = io.StringIO()
    if end == "\r" and quoting == csv.QUOTE_MINIMAL:
        quoting = csv.QUOTE_ALL  # Python's writer would leave a line break inside a cell bare
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
    plain = io.StringIO()
    csv.writer(plain).writerows(rows)
    expected = contacts_in(tmp_path, plain.getvalue().encode("utf-8-sig"))
    assert read_or_asked(tmp_path, text.getvalue().encode(encoding), encoding) == expected
    book = partial(contacts_in, tmp_path, workbook(rows), name="list.xlsx", file="list.xlsx")
    assert book() == expected


def test_a_bad_cell_in_row_1500_imports_nothing_and_is_named(tmp_path):
    """Newfies converted a cell outside any guard, and kept the batches that came before it."""
    rows = [f"+1{area}55501{n:02},Ann" for area in (201, 202, 203, 205, 206, 207) for n in range(100)]
    rows += [f"+1{area}55501{n:02},Ann" for area in range(301, 311) for n in range(100)]
    rows[1498] = "seven,Ann"
    (tmp_path / "list.csv").write_text("phone,name\n" + "\n".join(rows) + "\n")
    checked = check(campaign_file(tmp_path), ACCOUNTS)
    assert (checked.bad_rows, [reject.line for reject in checked.rejects]) == (1, [1500])
    with pytest.raises(DialerError, match=r"1 of 1,600 rows .* nothing was started"):
        checked.refuse_rejects(tmp_path / "rejects.csv", skip=False)


ACCOUNTS = {"main": account_settings(**{"provider": "callgear", "access_token": "k"})}


def campaign_file(folder: Path, name: str = "list.csv") -> Path:
    file = folder / "campaign.yaml"
    file.write_text(
        f"campaign: fuzz\naccount: main\ncontacts: {{file: {name}, country: US}}\n"
        'message: {tts: "Hello {{ name }}"}\ncaller_id: "+18005550100"\n'
    )
    return file


def mangled(content: bytes, rng: Random) -> bytes:
    """The file as accidents leave it: cut, overwritten, doubled, with strange bytes in it."""
    made = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(made) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            made[place:place] = rng.randbytes(rng.randint(1, 8))
        elif kind == 1:
            del made[place : place + rng.randint(1, 20)]
        elif kind == 2:
            made[place:place] = rng.choice(
                [b'"', b"\n", b"\r", b"\0", b";", b"\xef\xbb\xbf", b"\xff\xfe", b"{{", b"&a"]
            )
        elif kind == 3:
            made[place:place] = made[: rng.randint(0, 40)]
        elif made:
            made[place % len(made)] = rng.randrange(256)
    return bytes(made)


TEXT = f"phone;name\r\n{GOOD};Ann\r\n(212) 555-0101;Пётр\r\n4.15555E+09;José\r\n"
TEXTS = [TEXT.encode(encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le")]
TEXTS += [TEXT.replace("José", "").encode("cp1251"), TEXT.replace("Пётр", "").encode("latin-1")]
BOOK = workbook([line.split(";") for line in TEXT.split("\r\n")])
FUZZED = Definition.model_validate(yaml.safe_load(SMALL.replace("Hello", "Hello {{ name }}")))


def says_why(act: Callable[[], object]) -> None:
    """Whatever comes of it, no other error than one with a message and a remedy."""
    try:
        act()
    except DialerError as exc:
        said = exc
    else:
        return
    assert said.message
    assert said.remedy


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_500_mangled_files_give_named_errors_and_never_a_traceback(tmp_path, seed):
    """Twenty times: 10,000 files in all, lists and workbooks and definitions."""
    rng = Random(seed)

    def read() -> None:
        audience = read_audience(FUZZED, open_list(FUZZED, tmp_path))
        assert list(audience.contacts()) or audience.rejects
        assert all(reject.reason and reject.line for reject in audience.rejects)

    for _ in range(350):
        (tmp_path / "first.csv").write_bytes(mangled(rng.choice(TEXTS), rng))
        says_why(read)
    for _ in range(50):
        (tmp_path / "first.csv").write_bytes(unzipped_and_mangled(BOOK, rng))
        says_why(read)
    file = tmp_path / "campaign.yaml"
    for _ in range(100):
        file.write_bytes(mangled(FULL.encode(), rng))
        says_why(lambda: load_definition(file))


def unzipped_and_mangled(content: bytes, rng: Random) -> bytes:
    """A workbook damaged inside its archive as often as outside it."""
    if rng.random() < 0.3:
        return mangled(content, rng)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(made, "w") as broken:
        names = whole.namelist()
        victim = rng.choice(names)
        for name in names:
            inner = whole.read(name)
            broken.writestr(name, mangled(inner, rng) if name == victim else inner)
    return made.getvalue()


def test_a_number_met_again_is_left_out_when_the_campaign_says_so(tmp_path):
    """Dograh compared numbers as text."""
    text = "phone,name\n+7 912 000-00-00,Ann\n+79120000000,Bob\n"
    refusing = read_list(tmp_path, text)
    assert len(list(refusing.contacts())) == 1
    assert (refusing.reject_store.blocking, refusing.rejects[0].code) == (1, RejectCode.DUPLICATE)
    leaving = read_list(tmp_path, text, duplicates="first")
    assert [one.fields["name"] for one in leaving.contacts()] == ["Ann"]
    assert (leaving.reject_store.blocking, leaving.reject_store.count, leaving.summary.duplicate_in_file) == (0, 1, 1)


def test_a_rows_own_country_completes_its_number(tmp_path):
    text = "phone,land\n020 7946 0123,gb\n(415) 555-0101,\n8 912 000-00-00,RU\n030 23125 123,Deutschland\n"
    audience = read_list(tmp_path, text, country="US", country_column="Land")
    assert [one.phone.e164 for one in audience.contacts()] == ["+442079460123", GOOD, "+79120000000"]
    (reject,) = audience.rejects
    assert (reject.code, reject.column, reject.line) == (RejectCode.BAD_COUNTRY, "land", 5)
    assert audience.summary.invalid_number == 1


@pytest.mark.slow
def test_of_ranked_numbers_the_first_that_is_filled_in_counts(tmp_path):
    text = f"Mobile,Home,name\n{GOOD},+14155550102,Ann\n,+14155550103,Bob\n,,Eve\n,12,Ida\n"
    audience = read_list(tmp_path, text, phone=["mobile", "home"])
    assert [one.phone.e164 for one in audience.contacts()] == [GOOD, "+14155550103"]
    assert [(reject.code, reject.column) for reject in audience.rejects] == [
        (RejectCode.EMPTY_NUMBER, "Mobile"),
        (RejectCode.INVALID_NUMBER, "Home"),
    ]
    assert set(next(read_list(tmp_path, text, phone=["mobile", "home"]).contacts()).fields) == {"name"}


def test_a_column_whose_name_no_text_can_write_is_mapped(tmp_path):
    text = f"phone,Name (as in passport!),name\n{GOOD},Amelia,x\n"
    message = {"tts": "Hello {{ name }}"}
    mapped = read_list(tmp_path, text, message=message, columns={"name": "name (as in passport)"})
    assert [one.text for one in mapped.contacts()] == ["Hello Amelia"]
    with pytest.raises(DialerError, match=r'contacts\.columns\.name: contacts\.csv has no column "surname"'):
        read_list(tmp_path, text, message=message, columns={"name": "surname"})


@pytest.mark.parametrize(
    ("written", "country", "said"),
    [
        ("7.926E+10", None, "powers of ten"),
        ("79260000000", None, "the plus at its beginning is lost"),
        ("442079460123", "US", "the plus at its beginning is lost"),
        ("669368345", "IT", "the zero at its beginning is lost"),
        ("+44 (0) 20 7946 0123", None, "the zero in brackets"),
        ("+1 415 555 0101 x12", None, "extension"),
        ("4155550101", None, "no country code"),
    ],
)
def test_what_a_spreadsheet_did_to_a_number_is_named(tmp_path, written, country, said):
    audience = read_list(tmp_path, f"phone,name\n{written},Ann\n", country=country)
    assert list(audience.contacts()) == []
    (reject,) = audience.rejects
    assert said in reject.reason
    assert reject.suggestion


def test_a_value_that_a_filter_cannot_say_names_its_column_and_one_remedy(tmp_path):
    rows = "+14155550101,2026-12-05\n+14155550102,05.12.2026\n+14155550103,soon\n"
    audience = read_list(tmp_path, f"phone,Due Date\n{rows}", message={"tts": "Due on {{ due_date | date }}"})
    assert [one.text for one in audience.contacts()] == ["Due on Saturday, December 5"]
    dotted, vague = audience.rejects
    assert (dotted.line, dotted.column, vague.line, vague.column) == (3, "Due Date", 4, "Due Date")
    assert dotted.suggestion == 'say how it is written, in the text: date(read="%d.%m.%Y")'
    assert (vague.reason, vague.suggestion) == (
        '"soon" is not a date or time as in 2026-12-05T15:00',
        "write it as 2026-12-05T15:00",
    )
