"""The table of docs/glossary.md: what people read for each status and outcome, as pages and reports have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus
from campaigns.reporting.glossary import label, meaning
from dialer.calls import Outcome
from scripts.markdown_table import table

OF: Mapping[type[StrEnum], str] = {
    CampaignStatus: "campaign",
    ContactStatus: "contact",
    AttemptStatus: "call",
    Outcome: "call, ended",
}


def words() -> str:
    """A row for each status and outcome."""
    return table(("word", "of a", "people read", "which means"), list(_rows()))


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for kind, owner in OF.items():
        for member in kind:
            means = meaning(member) if isinstance(member, ContactStatus) else ""
            yield f"`{member.value}`", owner, label(member.value), means


PARTS: Mapping[str, Callable[[], str]] = {"words": words}
