"""What of a campaign's accounts can be wrong before it starts: their names, and what each would say."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from campaigns.audience.row_reader import CheckScript, ContactRow
from campaigns.definition import Definition
from campaigns.definition.templates import BadText
from campaigns.definition.yaml_source import FileFault, KeyPath
from dialer.account_settings import AccountSettings
from dialer.plural import counted
from dialer.providers.registry import lines_to_add, provider_for


class FallbackAccount:
    """Another account of a campaign, as its list is read: what every contact would hear from it is checked too."""

    def __init__(self, definition: Definition, account: str, check_script: CheckScript) -> None:
        self.account = account
        self._definition = definition.for_account(account)
        self._own = account in definition.by_account and definition.by_account[account].message is not None
        self._check = check_script
        self._faults: list[str] = []
        self.count = 0

    def examine(self, row: ContactRow) -> None:
        """Take down what is wrong for this contact."""
        try:
            template = self._definition.template
            text = template.render(row.fields) if self._own and template else row.text
        except BadText as exc:
            self._take_down(row, str(exc))
            return
        voice = {} if self._own else row.voice
        if fault := self._check(self._definition.script(text, voice)):
            self._take_down(row, fault.reason)

    def _take_down(self, row: ContactRow, why: str) -> None:
        self.count += 1
        self._faults = self._faults or [f"line {row.line}: {why}"]

    def faults(self, definition: Definition) -> Iterator[FileFault]:
        """The first of them, with how many there are."""
        for first in self._faults:
            said = f"{self.account} cannot speak to {counted(self.count, 'contact')}; {first}"
            yield definition.fault(("accounts",), said, f"give it a message of its own: by_account.{self.account}")


def fallback_accounts(definition: Definition, accounts: Mapping[str, AccountSettings]) -> list[FallbackAccount]:
    """The accounts after the first, which the settings must have."""
    others = definition.accounts[1:]
    return [FallbackAccount(definition, name, provider_for(accounts[name]).check_script) for name in others]


def account_faults(definition: Definition, accounts: Mapping[str, AccountSettings]) -> Iterator[FileFault]:
    """Accounts that are not in the settings, or lead to a sandbox where the first does not, or the reverse."""
    for name in definition.accounts[1:]:
        if name not in accounts:
            yield no_account(definition, ("accounts",), name, accounts)
        elif accounts[name].sandbox != accounts[definition.account].sandbox:
            yield definition.fault(("accounts",), f"one of {definition.account} and {name} leads to a sandbox", "")


def no_account(definition: Definition, path: KeyPath, name: str, accounts: Mapping[str, AccountSettings]) -> FileFault:
    """The fault of naming an account that the settings do not have, with what to add to them."""
    there = f"no account {name!r} in the settings" + (f", which have {', '.join(sorted(accounts))}" if accounts else "")
    near = difflib.get_close_matches(name, accounts, n=1)
    if near:
        return definition.fault(path, there, f"did you mean {near[0]}?")
    return definition.fault(path, there, f"add to dialer.toml:\n{lines_to_add(name)}")
