"""Every language of CLDR names a day as CLDR does, whatever was spoken before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from random import Random

import pytest
from babel import Locale, localedata
from babel.dates import format_date

from campaigns.definition.speech.languages import NoSuchLanguage, day_pattern, language_named
from campaigns.definition.templates import Template
from tests.support.draws import times

LANGUAGES = sorted(localedata.locale_identifiers())
ASKED = sorted(Random(1).sample(LANGUAGES, min(times(120), len(LANGUAGES))))  # in `make chaos` all of them
SPOKEN = Template("{{ day | date(language) }}")
FIELD = re.compile(r"'(?:[^']|'')*'|([A-Za-z]+)")
DAYS = {  # as people say them, and as CLDR's full pattern has them without its year
    "en": "Saturday, December 5",
    "en-GB": "Saturday 5 December",
    "ja": "12月5日土曜日",
    "zh": "12月5日星期六",
    "zh-Hant": "12月5日 星期六",
    "yue": "12月5日 星期六",
    "ko": "12월 5일 토요일",
    "lt": "gruodžio 5 d., šeštadienis",
    "lv": "sestdiena, 5. decembris",
    "fi": "lauantai 5. joulukuuta",
    "es": "sábado, 5 de diciembre",
    "pt": "sábado, 5 de dezembro",
    "pt-PT": "sábado, 5 de dezembro",
    "ca": "dissabte, 5 de desembre",
    "it": "sabato 5 dicembre",
    "fr": "samedi 5 décembre",
    "de": "Samstag, 5. Dezember",
    "nl": "zaterdag 5 december",
    "da": "lørdag den 5. december",
    "bg": "събота, 5 декември",
    "cs": "sobota 5. prosince",
    "sk": "sobota 5. decembra",
    "pl": "sobota, 5 grudnia",
    "ru": "суббота, 5 декабря",
    "uk": "субота, 5 грудня",
    "hu": "december 5., szombat",
    "hr": "subota, 5. prosinca",
    "tr": "5 Aralık Cumartesi",
    "eu": "abenduaren 5(a), larunbata",
    "th": "วันเสาร์ที่ 5 ธันวาคม",
    "id": "Sabtu, 5 Desember",
    "he": "יום שבת, 5 בדצמבר",
    "ar": "السبت، 5 ديسمبر",
    "kk": "5 желтоқсан, сенбі",
    "vi": "Thứ Bảy, 5 tháng 12",
    "ee": "memleɖa, dzome 5 lia",
    "ku": "şemî, 5ê berfanbarê",
}


def fields_of(pattern: str) -> list[str]:
    """The letters of a pattern's fields, in order; stand-alone forms count as the others."""
    return [field[0].translate(str.maketrans("cL", "EM")) for field in FIELD.findall(pattern) if field]


def words_of(pattern: str) -> list[str]:
    """The words and fields of a pattern, without punctuation and without the widths of fields."""
    same = re.sub(r"([A-Za-z])\1+", r"\1", pattern.replace("'", "").translate(str.maketrans("cL", "EM")))
    return re.findall(r"[A-Za-z]+|[^\W\d_A-Za-z]+", same)


def said(language: str, day: date = date(2026, 12, 5)) -> str:
    return SPOKEN.render({"day": day.isoformat(), "language": language})


@pytest.mark.slow
@pytest.mark.parametrize(("language", "spoken"), DAYS.items())
def test_a_day_is_said_as_the_language_says_it(language, spoken):
    assert said(language) == spoken


def difference_from_cldr(language: str) -> str:
    """How the pattern of a day differs from all that CLDR says of it: the full pattern, and those without a year."""
    pattern, skeletons = day_pattern(language), language_named(language).datetime_skeletons
    full = language_named(language).date_formats["full"].pattern
    expected = [field for field in fields_of(full) if field not in "yG"]
    if sorted(fields_of(pattern)) != ["E", "M", "d"]:
        return f"fields {pattern}"
    if len(expected) == 3 and fields_of(pattern) != expected:
        return f"order {pattern}"
    if "MMMMEEEEd" in skeletons and words_of(pattern) != words_of(skeletons["MMMMEEEEd"].pattern):
        return f"not CLDR's own {pattern}"
    known = " ".join(skeleton.pattern for name, skeleton in skeletons.items() if "y" not in name and "d" in name)
    if strange := set(words_of(pattern)) - set(words_of(full)) - set(words_of(known)):
        return f"words {strange}"
    own = skeletons["MMMMd"].pattern
    if fields_of(own) != [field for field in expected if field != "E"] or language in {"ii", "ii_CN"}:
        return ""  # Yi's patterns of dates and of days differ in CLDR
    lost = set(words_of(own)) - set(words_of(pattern))
    return f"lost {lost}" if lost else ""


def fault_in_speech(language: str) -> str:
    day, locale = said(language, date(2031, 10, 25)), language_named(language)
    months = [names["wide"][10] for names in locale.months.values()]
    weekdays = [names["wide"][5] for names in locale.days.values()]
    is_right = (
        not re.search("31|月月", day)
        and "25" in day
        and any(name in day for name in weekdays)
        and any(name in day for name in [*months, "10月"])
    )
    return "" if is_right else day


@dataclass(frozen=True)
class InOrder:
    """What is heard and found of a language when all are read in the order of their codes."""

    said: str
    difference: str
    fault: str


@pytest.fixture(scope="module")
def in_order() -> dict[str, InOrder]:
    """Read once for all tests that ask about every language: each takes some milliseconds to load."""
    return {
        language: InOrder(said(language), difference_from_cldr(language), fault_in_speech(language))
        for language in ASKED
    }


@pytest.mark.slow
@pytest.mark.drawn
def test_a_day_is_cldrs_full_date_without_its_year_in_every_language(in_order):
    assert {language: one.difference for language, one in in_order.items() if one.difference} == {}


@pytest.mark.slow
@pytest.mark.drawn
def test_names_are_said_in_full_and_the_year_is_not_in_any_language(in_order):
    assert {language: one.fault for language, one in in_order.items() if one.fault} == {}


@pytest.mark.slow
@pytest.mark.parametrize("language", [*DAYS, "bal-Latn", "ak", "yo"])
def test_a_year_is_said_when_it_is_asked_for(language):
    text = Template("{{ day | date(language, year=true) }}").render({"day": "2031-10-25", "language": language})
    assert "2031" in text
    assert "25" in text


def test_a_language_is_loaded_once_whether_a_cell_or_the_template_names_it():
    """To load one takes as long as to say hundreds of days."""
    language_named.cache_clear()
    text = "{{ day | date(language) }}, {{ day | time('sw') }}, {{ day | date('sw') }}, {{ day | time(language) }}"
    Template(text).render({"day": "2026-11-03T10:00", "language": "sw"})
    assert language_named.cache_info().misses == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_language_says_the_same_whatever_was_spoken_before(seed):
    """Babel by itself changes a language's data when others are loaded: "Sat, 5 декабря" after Chechen."""
    languages = [*DAYS, "bss", "ce", "cv", *Random(seed).sample(LANGUAGES, 60)]
    Random(seed).shuffle(languages)
    for language in languages:
        format_date(date(2026, 12, 5), "EEEE d MMMM", locale=Locale.parse(language.replace("-", "_")))
    language_named.cache_clear()
    day_pattern.cache_clear()
    wrong = {language: said(language) for language in languages if said(language) != DAYS.get(language, said(language))}
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.drawn
def test_every_language_says_the_same_after_all_others(in_order):
    shuffled = Random(7).sample(ASKED, len(ASKED))
    for language in shuffled:
        format_date(date(2026, 12, 5), "full", locale=Locale.parse(language))
    language_named.cache_clear()
    day_pattern.cache_clear()
    assert {language: said(language) for language in shuffled} == {
        language: one.said for language, one in in_order.items()
    }


@pytest.mark.parametrize("code", ["xx-yy", "", "english", "e", "de_DE_DE_DE_DE"])
def test_a_code_of_no_language_is_refused(code):
    with pytest.raises(NoSuchLanguage, match="write en"):
        language_named(code)
