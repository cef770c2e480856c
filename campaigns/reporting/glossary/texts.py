"""Every text of the glossary that pages translate, for the catalogues; at run time nothing needs the whole list."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.reporting.glossary.advice import ADVICE
from campaigns.reporting.glossary.audit_events import EVENTS, FIRST_START, SCHEDULE
from campaigns.reporting.glossary.help import CALLS, CAMPAIGNS, HOLDS
from campaigns.reporting.glossary.labels import LABELS, MEANINGS
from campaigns.reporting.glossary.phrases import COUNTED, PHRASES
from dialer.bucket import LimitName
from dialer.live_calls import LegState


def texts() -> Iterator[str | tuple[str, str]]:
    """Every text that pages translate: labels, meanings and phrases, those with a count in both its forms."""
    yield from LABELS.values()
    yield from MEANINGS.values()
    yield from (*EVENTS, FIRST_START, SCHEDULE)
    for advice in ADVICE.values():
        yield from advice
    yield from (limit.value for limit in LimitName if limit)
    yield from (state.value for state in LegState)
    for sentences in (CAMPAIGNS, CALLS, HOLDS):
        yield from sentences.values()
    yield from HOLDS
    for words in PHRASES.values():
        yield (words, COUNTED[words]) if words in COUNTED else words
