"""English on a page in another language: a text with words that no other language of ours has."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

AS_IT_IS = re.compile(r"<(script|style|code|pre|kbd|textarea|blockquote|time)\b.*?</\1>", re.DOTALL)
WORDS_OF_ATTRIBUTES = re.compile(r'\b(?:aria-label|alt|title|placeholder|data-label)="([^"]*)"')
WORDS = frozenset(
    "the of is are to was were with from by for this that which not it its been has have will on if than "  # noqa: SIM905
    "then there they your you who what when before after".split()
)


def english_in(page: str) -> Iterator[str]:
    """Each text of a page, or of its labels, that has an English word such as `the` among others."""
    page = AS_IT_IS.sub("<br>", page)
    for text in (*re.split(r"<[^>]*>", page), *WORDS_OF_ATTRIBUTES.findall(page)):
        words = html.unescape(text).split()
        if len(words) > 1 and WORDS & {word.strip(".,:;()") for word in words}:
            yield " ".join(words)
