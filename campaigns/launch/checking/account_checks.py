"""Checks of a campaign's accounts before it starts: each is in the settings and can speak to every contact."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence

from campaigns.audience.rows.contact_row import ContactRow
from campaigns.audience.rows.row_texts import CheckScript
from campaigns.definition import Definition
from campaigns.definition.speech.speech_filters import SpokenValue
from campaigns.definition.templates import BadText
from campaigns.definition.yaml_source import FileFault, KeyPath
from dialer.account_settings import AccountSettings
from dialer.call_kinds import Informer
from dialer.plural import counted
from dialer.providers.registry import lines_to_add, provider_for


class FallbackAccount:
    """An account after the campaign's first: checks, while the list is read, what it would say to each contact."""

    def __init__(self, definition: Definition, account: str, check_script: CheckScript) -> None:
        self.account = account
        self.faulty_contacts = 0
        self._definition = definition.for_account(account)
        self._has_own_message = account in definition.by_account and definition.by_account[account].message is not None
        self._check_script = check_script
        self._first_fault: str | None = None

    def check(self, row: ContactRow) -> None:
        """Count the contact as faulty if this account cannot speak its text."""
        try:
            text = own_text(row, self._definition)[0] if self._has_own_message else row.text
        except BadText as exc:
            self._add_fault(row, str(exc))
            return
        voice = {} if self._has_own_message else row.voice
        if fault := self._check_script(self._definition.script(text, voice)):
            self._add_fault(row, fault.reason)

    def _add_fault(self, row: ContactRow, reason: str) -> None:
        self.faulty_contacts += 1
        self._first_fault = self._first_fault or f"line {row.line}: {reason}"

    def faults(self, definition: Definition) -> Iterator[FileFault]:
        """One fault for all faulty contacts, with the reason of the first; none if all are good."""
        if self._first_fault:
            contacts = counted(self.faulty_contacts, "contact")
            message = f"{self.account} cannot speak to {contacts}; {self._first_fault}"
            if self._has_own_message:
                path: KeyPath = ("by_account", self.account, "message")
                yield definition.fault(path, message, "correct its text, or leave these rows out")
            else:
                yield definition.fault(
                    ("accounts",), message, f"give it a message of its own: by_account.{self.account}"
                )


def own_text(row: ContactRow, definition: Definition) -> tuple[str | None, Sequence[SpokenValue]]:
    """What an account says to a row by its own message, as in SpokenText; None for a recording. Raises BadText.

    `definition` is that of the account. The text is made of the fields as the ledger keeps them: a number is its text.
    """
    if definition.template is None:
        return None, ()
    return definition.speak(definition.template, {name: str(value) for name, value in row.fields.items()}, row.zone)


def fallback_accounts(definition: Definition, accounts: Mapping[str, AccountSettings]) -> list[FallbackAccount]:
    """The campaign's accounts after its first, and the first if it has a message of its own.

    All must be in the settings: see `account_faults`.
    """
    first = definition.by_account.get(definition.account)
    others = (*definition.all_accounts[1:], *([definition.account] if first and first.message else []))
    return [FallbackAccount(definition, name, provider_for(accounts[name]).check_script) for name in others]


def account_faults(definition: Definition, accounts: Mapping[str, AccountSettings]) -> Iterator[FileFault]:
    """Faults of the accounts: one may not show a number; one is not in the settings, alone leads to a sandbox, or
    would place another call than the campaign's.
    """
    if definition.return_after and len(definition.all_accounts) < 2:
        remedy = "list several as accounts, or remove it"
        yield definition.fault(("return_after",), "return_after has no account to go back to", remedy)
    for name in definition.all_accounts:
        if name in accounts and (allowed := accounts[name].caller_ids):
            yield from _numbers_not_allowed(definition, name, allowed)
    for name in definition.all_accounts[1:]:
        if name not in accounts:
            yield unknown_account(definition, ("accounts",), name, accounts)
            continue
        if accounts[name].sandbox != accounts[definition.account].sandbox:
            yield definition.fault(("accounts",), f"one of {definition.account} and {name} leads to a sandbox", "")
        for key in sorted(_changes_the_call(definition) & provider_for(accounts[name]).cannot):
            message = f"account {name} has no {key}, and the campaign may go on with it"
            yield definition.fault(("accounts",), message, f"leave it out of accounts, or remove {key}")


def _changes_the_call(definition: Definition) -> set[str]:
    """Keys without which a call is another one: whom it connects, which keys are sent."""
    kind = set() if isinstance(definition.call, Informer) else {"call"}
    return kind | ({"dtmf"} if definition.dtmf else set())


def _numbers_not_allowed(definition: Definition, account: str, allowed: Collection[str]) -> Iterator[FileFault]:
    path, pool = definition.shown_by(account)
    remedy = f"remove it, or add it to accounts.{account}.caller_ids in the settings"
    if account != definition.account and path == ("caller_id",):
        remedy = f"name one that it may show: by_account.{account}.caller_id"
    for place, number in enumerate(pool.numbers):
        if number not in allowed:
            where = definition.path_of_number(account, place)
            yield definition.fault(where, f"account {account} may not show {number}", remedy)


def price_faults(definition: Definition, accounts: Mapping[str, AccountSettings]) -> Iterator[FileFault]:
    """Faults of a budget in money: an account of the campaign has no prices, or they are of another currency."""
    if definition.limits is None or definition.limits.cost is None:
        return
    path, currencies = ("limits", "cost"), dict[str, str]()
    for name in definition.all_accounts:
        prices = accounts[name].prices if name in accounts else None
        if prices is not None:
            currencies[name] = prices.currency
        elif name in accounts:
            message = f"account {name} has no prices, so nobody knows what its calls cost"
            yield definition.fault(
                path, message, f'add to dialer.toml: accounts.{name}.prices = {{currency = "EUR", …}}'
            )
    if len(set(currencies.values())) > 1:
        shown = ", ".join(f"{name} in {currency}" for name, currency in currencies.items())
        message = f"the campaign's accounts have prices of different currencies: {shown}"
        yield definition.fault(path, message, "name accounts of one currency, or leave the budget out")


def unknown_account(
    definition: Definition, path: KeyPath, name: str, accounts: Mapping[str, AccountSettings]
) -> FileFault:
    """The fault of an account that is not in the settings; suggests a similar name, else the lines to add."""
    known = f", which have {', '.join(sorted(accounts))}" if accounts else ""
    message = f"no account {name!r} in the settings{known}"
    similar = difflib.get_close_matches(name, accounts, n=1)
    if similar:
        return definition.fault(path, message, f"did you mean {similar[0]}?")
    return definition.fault(path, message, f"add to dialer.toml:\n{lines_to_add(name)}")
