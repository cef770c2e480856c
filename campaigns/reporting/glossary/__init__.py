"""The words of people for what the ledger says of contacts, calls and campaigns: the one source of pages and reports.

Statuses and outcomes have a label and a meaning. The ledger's own sentences are written anew by
`plain`. All of it is English; a page translates it.
"""

from collections.abc import Iterator

from campaigns.reporting.glossary.audit_events import EVENTS
from campaigns.reporting.glossary.help import CALLS, CAMPAIGNS, HOLDS
from campaigns.reporting.glossary.labels import LABELS, MEANINGS, label, meaning
from campaigns.reporting.glossary.phrases import COUNTED, PHRASES
from campaigns.reporting.glossary.sentences import plain
from dialer.bucket import LimitName

__all__ = ["label", "meaning", "plain", "texts"]


def texts() -> Iterator[str | tuple[str, str]]:
    """Every text that pages translate: labels, meanings and phrases, those with a count in both its forms."""
    yield from LABELS.values()
    yield from MEANINGS.values()
    yield from EVENTS
    yield from (limit.value for limit in LimitName if limit)
    for sentences in (CAMPAIGNS, CALLS, HOLDS):
        yield from sentences.values()
    yield from HOLDS
    for words in PHRASES.values():
        yield (words, COUNTED[words]) if words in COUNTED else words
