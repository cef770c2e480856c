"""Checks that the campaign's budget in money (`limits.cost`) is enough for a call to each contact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from campaigns.audience.rows.contact_row import ContactRow
from campaigns.definition import Definition
from campaigns.definition.yaml_source import FileFault
from campaigns.launch.checking.account_checks import own_text
from dialer.account_settings import AccountSettings
from dialer.call_kinds import Informer
from dialer.plural import counted
from dialer.prices import Prices, amount, millionths


class DearCalls:
    """Contacts a call to whom may cost more than the whole budget: what it may cost is kept back before it is placed.

    Without a budget nothing is counted.
    """

    def __init__(self, definition: Definition, accounts: Mapping[str, AccountSettings]) -> None:
        cost = definition.limits.cost if definition.limits else None
        self._budget = None if cost is None else millionths(cost)
        self._talks = not isinstance(definition.call, Informer)
        self._payers = [
            (name, definition.for_account(name), name in definition.by_account, prices)
            for name in definition.all_accounts
            if cost is not None and (prices := accounts[name].prices) is not None
        ]
        self._contacts = 0
        self._first: tuple[str, int, str] | None = None  # the account, the line, what a call may cost

    def check(self, row: ContactRow) -> None:
        """Count the contact if a call to it by one of the accounts may cost more than the budget."""
        for name, definition, differs, prices in self._payers:
            text = own_text(row, definition)[0] if differs and definition.template is not None else row.text
            if (kept_back := self._kept_back(row, definition.script(text).seconds, prices)) > (self._budget or 0):
                self._first = self._first or (name, row.line, f"{amount(kept_back)} {prices.currency}")
                self._contacts += 1
                return

    def _kept_back(self, row: ContactRow, seconds: float, prices: Prices) -> int:
        return prices.of_call(row.e164, seconds, talks=self._talks).kept_back

    def faults(self, definition: Definition) -> Iterator[FileFault]:
        """One fault for all such contacts, with the first of them."""
        if self._first:
            account, line, cost = self._first
            contacts = counted(self._contacts, "contact")
            message = f"it is less than one call may cost, for {contacts}; a call by {account} in line {line}: {cost}"
            remedy = "raise it, or say how long calls are at the most: accounts.NAME.prices.longest_minutes"
            yield definition.fault(("limits", "cost"), message, remedy)
