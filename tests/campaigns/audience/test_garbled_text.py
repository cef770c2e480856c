"""A text that no person wrote is not spoken; a name as people have it is, whatever its letters."""

from __future__ import annotations

import pytest
from babel import Locale

from campaigns.audience.rows.garbled_text import garbled
from tests.support.campaign_files import GOOD, read_list

HELLO = {"tts": "Hello {{ name }}"}
WORDS = ("Amélie", "Müller", "Łukasz", "Žižka", "François", "Αννα", "Амелия", "דניאל", "محمد", "アメリ", "O’Brien")
NAMES = (
    *("CAFÉ™", "BEAUTÉ\u00a0»", "“MANHÃ”", "MANHÃ…", "SÅ…", "JOÃO", "MAÇÃ", "NÃÃÃO", "ESPAÑA", "é…”", "Málaga…”", "Nº"),
    *("3×“", "2×½", "25\u00a0°C", "Øystein", "Þór", "Łódź", "Đặng Thị Ánh", "ÄÖÜ", "«Ôtez»", "“Ça”", "À bientôt…"),
    *("Сі Цзіньпін", "Лі", "Сієї", "СЄВЄР", "ІРИНА", "Вєра", "Г’ю", "В’ячеслав", "Школа «В»", "п. Г»", "ТОВ «РІЄЛ»"),
    *("Mª", "РС", "ТІНІ", "ПІДІЙТИ", "РІСІ", "ДІЇ", "ВЈЕРА", "10 В", "김철수", "张伟", "😀", "👩\u200d👧", "e\u0301"),
    *("\u200fمحمد\u200f", "a\u00adb", "line\nend", "tab\there"),
)


def read_as(text: str, page: str) -> str:
    """The text whose UTF-8 a program took for this page; a byte that the page lacks stays the control character."""
    return "".join(bytes([byte]).decode(page, "ignore") or chr(byte) for byte in text.encode())


@pytest.mark.parametrize("page", ["cp1252", "cp1251"])
@pytest.mark.parametrize("word", WORDS)
def test_a_word_that_was_read_in_a_wrong_encoding_is_found(word, page):
    fault = garbled(f"Hello {read_as(word, page)}, it is time")
    assert fault is not None
    assert "UTF-8" in fault.suggestion or "U+00" in fault.reason


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_as_people_write_it_is_none(name):
    assert garbled(f"Hello {name}, it is time") is None
    assert garbled(name) is None


@pytest.mark.parametrize(
    "language",
    ["ar", "cs", "da", "de", "el", "fr", "he", "hi", "ja", "ko", "pl", "pt", "ru", "sv", "th", "tr", "uk", "vi", "zh"],
)
def test_no_name_of_cldr_is_one(language):
    locale = Locale.parse(language)
    names = [*locale.territories.values(), *locale.languages.values(), *locale.currencies.values()]
    assert [name for name in names if garbled(str(name)) or garbled(str(name).upper()) or garbled(f"«{name}»")] == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("AmÃ©lie", '"AmÃ©lie" was read in a wrong encoding, and is Amélie'),
        ("РђРЅРЅР°", "and is Анна"),
        ("Oâ€™Brien", "and is O’Brien"),
        ("Am\ufffdlie", "letters are lost"),
        ("A\x1b[31mB", "it holds U+001B"),
        ("\x1b$B;3ED\x1b(B", "it holds U+001B"),  # ISO-2022-JP
        ("A\x7fB", "it holds U+007F"),
        ("A\ufffeB", "it holds U+FFFE"),
    ],
)
def test_the_row_is_rejected_at_its_column(tmp_path, cell, said):
    audience = read_list(tmp_path, f"phone,name\n{GOOD},{cell}\n", message=HELLO)
    assert list(audience.contacts()) == []
    (reject,) = audience.rejects
    assert (reject.code, reject.column) == ("bad_text", "name")
    assert said in reject.reason
    assert reject.suggestion


def test_a_text_of_the_campaign_that_was_read_wrongly_is_found_too(tmp_path):
    audience = read_list(
        tmp_path, f"phone,name\n{GOOD},Ann\n", message={"tts": "Ð\u0097Ð´Ñ€Ð°Ð²Ñ\u0081Ñ‚Ð²ÑƒÐ¹Ñ‚Ðµ, {{ name }}"}
    )
    assert list(audience.contacts()) == []
    assert "was read in a wrong encoding, and is Здравствуйте," in next(iter(audience.rejects)).reason


def test_a_cell_that_is_not_spoken_may_hold_anything(tmp_path):
    audience = read_list(tmp_path, f"phone,name,note\n{GOOD},Ann,AmÃ©lie\n", message=HELLO)
    assert [contact.text for contact in audience.contacts()] == ["Hello Ann"]
