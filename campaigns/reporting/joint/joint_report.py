"""The totals of several campaigns, one by one and together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import TypeVar

from campaigns.ledger.store import Ledger
from campaigns.lifecycle import ContactStatus
from campaigns.reporting.joint.chosen_campaigns import Choice, chosen_campaigns
from campaigns.reporting.joint.to_do import ToDo, to_dos
from campaigns.reporting.report import Totals, for_each, totals_of

Number = TypeVar("Number", int, Decimal)


@dataclass(frozen=True, slots=True)
class JointReport:
    """The totals of some campaigns; the others are sums of theirs, by the same names."""

    campaigns: Sequence[Totals]

    @property
    def final(self) -> Mapping[str, int]:
        return _sum([totals.final for totals in self.campaigns])

    @property
    def open(self) -> Mapping[str, int]:
        return _sum([totals.open for totals in self.campaigns])

    @property
    def outcomes(self) -> Mapping[str, int]:
        return _sum([totals.outcomes for totals in self.campaigns])

    @property
    def responses(self) -> Mapping[str, int]:
        return _sum([totals.responses for totals in self.campaigns])

    @property
    def contacts(self) -> int:
        return sum(totals.contacts for totals in self.campaigns)

    @property
    def attempts(self) -> int:
        return sum(totals.attempts for totals in self.campaigns)

    @property
    def requests(self) -> int:
        return sum(totals.requests for totals in self.campaigns)

    @property
    def cost(self) -> Mapping[str, Decimal]:
        return _sum([totals.cost for totals in self.campaigns])

    @property
    def cost_per_reached(self) -> Mapping[str, Decimal]:
        return for_each(self.cost, self.final.get(ContactStatus.REACHED, 0))

    @property
    def rejects(self) -> int:
        return sum(totals.rejects for totals in self.campaigns)

    @property
    def to_do(self) -> Sequence[ToDo]:
        """What can be done about those who were not reached."""
        return to_dos(self.campaigns)


def joint_report(ledger: Ledger, choice: Choice) -> JointReport:
    """The totals of these campaigns. Raises NoSuchCampaign, TooManyCampaigns."""
    with ledger.reading() as db:
        return JointReport([totals_of(db, campaign) for campaign in chosen_campaigns(db, choice)])


def _sum(counts: Sequence[Mapping[str, Number]]) -> dict[str, Number]:
    added: dict[str, Number] = {}
    for name, number in chain.from_iterable(count.items() for count in counts):
        added[name] = added[name] + number if name in added else number
    return added
