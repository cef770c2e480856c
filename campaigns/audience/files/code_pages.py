"""Guesses the code page of a text: decoded by it, the words must look like words of the page's languages.

Each page is read in its own languages. How their letters follow each other is learned from CLDR's names of countries,
languages, currencies and cities. A page is believed only if it is one of the two that spreadsheets write most, its
words are likely ones, and no other page makes as much sense of the same bytes.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from babel import Locale

BELIEVED = ("cp1252", "cp1251")
WESTERN = ("de", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "fi", "ca", "is", "en")
CENTRAL = ("cs", "sk", "pl", "hu", "ro", "hr", "sl")
BALTIC = ("lt", "lv", "et")
CYRILLIC = ("ru", "uk", "bg", "be", "sr", "mk")
PAGES = {  # the languages that are written in each
    **dict.fromkeys(("cp1252", "cp850", "cp437", "mac_roman"), WESTERN),
    **dict.fromkeys(("cp1251", "koi8_r", "koi8_u", "cp866", "mac_cyrillic", "iso8859_5"), CYRILLIC),
    **dict.fromkeys(("kz1048", "ptcp154"), ("kk", "ky", "mn", "tt", "ru")),
    **{"koi8_t": ("tg", "ru")},
    **dict.fromkeys(("cp1250", "iso8859_2", "cp852"), CENTRAL),
    **dict.fromkeys(("cp1253", "iso8859_7", "cp737"), ("el",)),
    **dict.fromkeys(("cp1254", "cp857"), ("tr",)),
    **dict.fromkeys(("cp1257", "cp775"), BALTIC),
    **{"iso8859_16": ("ro",), "cp1258": ("vi",), "cp1255": ("he",), "cp1256": ("ar", "fa"), "cp874": ("th",)},
    **{"cp932": ("ja",), "gbk": ("zh",), "big5": ("zh_Hant",), "euc_kr": ("ko",)},
}
WORDS_ASKED = 400
LIKELY = -5.3  # a believed page's pairs of letters are at least so likely (mean natural logarithm): CLDR's are at -3
MARGIN = 4.0  # and it is at least so much likelier than any page that gives another text
IMPOSSIBLE = -30.0
UNUSUAL = -15.0
UNSEEN = -8.0
PAIRED = ("«»", "»«", "„“", "„”", "“”", "‘’", "‚‘")
EDGES = "«»„“”‘’\"'()[]{}<>,;:.!?…–—-*+№#/°ºª%&0123456789€£§|"
JOINTS = "'’.·/&–-"


class Guess(NamedTuple):
    """The code page that makes most sense of a text, and whether it is to be believed."""

    page: str
    is_certain: bool


class Reading(NamedTuple):
    """A text as one code page reads it: how likely its letters are (natural logarithm), of how many pairs.

    `score` is that less what a choice of languages for each word gains by chance: pages are compared by it.
    """

    page: str
    text: str
    likelihood: float
    pairs: int
    score: float


def guess_page(content: bytes) -> Guess | None:
    """The code page of a text, judged by its first words that are not ASCII; None when no page can read it."""
    words = [word for word in dict.fromkeys(re.split(rb"[ \t\r\n,;|\"]+", content)) if not word.isascii()]
    readings = list(_readings(b"\n".join(words[:WORDS_ASKED])))
    best = max(readings, key=lambda reading: reading.score, default=None)
    if best is None:
        return None
    believed = next((reading for reading in readings if reading.page in BELIEVED and reading.text == best.text), None)
    if believed is None or believed.likelihood < LIKELY * believed.pairs:
        return Guess(best.page, is_certain=False)
    rivals = (reading.score for reading in readings if reading.text != believed.text)
    return Guess(believed.page, is_certain=believed.score - max(rivals, default=-math.inf) >= MARGIN)


def _readings(content: bytes) -> Iterator[Reading]:
    for page, languages in PAGES.items():
        try:
            text = content.decode(page)
        except UnicodeDecodeError:
            continue
        text = unicodedata.normalize("NFKC" if page == "cp932" else "NFC", text)  # halfwidth kana are kana
        likelihood, pairs, words = 0.0, 0, 0
        for word in text.split():
            likelihood += _oddity(word)
            for part in re.split(f"[{JOINTS}]", word.strip(EDGES)):
                if not part.isascii():
                    likely, new = _likelihood(part.lower(), languages)
                    likelihood, pairs, words = likelihood + likely, pairs + new, words + 1
        yield Reading(page, text, likelihood, pairs, likelihood - words * math.log(len(languages)))


@lru_cache(maxsize=1 << 14)
def _oddity(word: str) -> float:
    """What speaks against a word, whatever its letters: signs or capitals inside it, several scripts."""
    if word[:1] + word[-1:] in PAIRED:
        word = word[1:-1]
    core = word.strip(EDGES)
    letters = [character for character in core if _is_letter(character)]
    if any(not character.isascii() and character not in JOINTS for character in core if not _is_letter(character)):
        return IMPOSSIBLE
    if len({_script(letter) for letter in letters} - {"COMBINING", "MODIFIER"}) > 1:
        return IMPOSSIBLE
    if any(a.islower() and b.isupper() and not (a + b).isascii() for a, b in pairwise(core)):
        return UNUSUAL
    return UNUSUAL if letters and _has_odd_edge(word, core) else 0.0


def _has_odd_edge(word: str, core: str) -> bool:
    """Whether a sign that is not ASCII touches the letters of a word, but for apostrophes and `Mª`, `Nº`."""
    before, _, after = word.partition(core)
    signs = before[-1:] + after[:1]
    return not signs.isascii() and signs not in {"’", "‘"} and not (len(core) < 3 and signs in {"ª", "º"})


def _is_letter(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character).startswith("M")


@cache
def _script(letter: str) -> str:
    """The script of a letter, by the first word of its Unicode name."""
    name = unicodedata.name(letter, "?").split()[0]
    return "CJK" if name.startswith(("HIRAGANA", "KATAKANA")) else name


@lru_cache(maxsize=1 << 14)
def _likelihood(word: str, languages: Sequence[str]) -> tuple[float, int]:
    """How likely the pairs of letters that are not ASCII are in the best of the languages, and their number."""
    pairs = [first + second for first, second in pairwise(f"^{word}$") if not (first + second).isascii()]
    best = max(sum(likely.get(pair, UNSEEN) for pair in pairs) for likely in map(_pair_likelihoods, languages))
    return best, len(pairs)


@cache
def _pair_likelihoods(language: str) -> Mapping[str, float]:
    """For each pair of letters in CLDR's names in a language, how likely the second follows the first."""
    pairs: Counter[str] = Counter()
    for name in _names(Locale.parse(language)):
        for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", name).lower()):
            pairs.update(map("".join, pairwise(f"^{word}$")))
    firsts: Counter[str] = Counter()
    for pair, count in pairs.items():
        firsts[pair[0]] += count
    return {pair: math.log(count / firsts[pair[0]]) for pair, count in pairs.items()}


def _names(locale: Locale) -> Iterable[str]:
    for names in (locale.territories, locale.languages, locale.scripts, locale.currencies):
        yield from names.values()
    yield from locale.months["format"]["wide"].values()
    yield from locale.days["format"]["wide"].values()
    yield from (zone.get("city", "") for zone in locale.time_zones.values())
