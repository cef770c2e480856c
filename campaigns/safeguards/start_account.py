"""The account on which a campaign starts: the first of its list that can dial now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from campaigns.definition import Definition
from dialer.verdicts import Ruling, Verdict

CANNOT_DIAL = frozenset({Verdict.HALT_ACCOUNT, Verdict.NOT_PLACED, Verdict.UNCONFIRMED})
"""Answers to a log-in after which no call can be placed: the account is refused, or nobody answers."""
WhyNot = Callable[[str], str | None]
"""Why this account cannot dial now, for people; None if it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAccount:
    """An account, and why others of the campaign's list cannot dial now, by their names."""

    name: str
    unhealthy: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Which accounts are not healthy, for people; blank if all are."""
        if not self.unhealthy:
            return ""
        each = "; ".join(f"{name} cannot dial now ({why})" for name, why in self.unhealthy.items())
        return f"{each}: it starts on {self.name}"


def start_account(definition: Definition, why_not: WhyNot) -> StartAccount | None:
    """The first of the campaign's accounts that can dial; None if none can. Asks each of them."""
    names = definition.all_accounts
    unhealthy = {name: why for name in names if (why := why_not(name))}
    healthy = next((name for name in names if name not in unhealthy), None)
    return StartAccount(name=healthy, unhealthy=unhealthy) if healthy else None


def start_account_of_several(definition: Definition, why_not: WhyNot) -> StartAccount | None:
    """The same for a campaign with several accounts. None, and none is asked, where it has one: it starts on that."""
    return start_account(definition, why_not) if len(definition.all_accounts) > 1 else None


def why_not(ruling: Ruling) -> str | None:
    """Why an account that answers a log-in so cannot dial; None if it can."""
    return ruling.why if ruling.verdict in CANNOT_DIAL else None
