"""Failover: a campaign whose account cannot dial goes on with the next of its accounts.

Only what is the vendor's own trouble moves it: the account is halted, its breaker opens, its day is used up. Busy,
declined or wrong numbers never do, and an unconfirmed attempt stays with the account that made it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, select, update

from campaigns.definition import Definition
from campaigns.ledger.claims import Claimed
from campaigns.ledger.moves import moved, note
from campaigns.ledger.reading import parse_definition
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import LIVE_CAMPAIGNS, ContactStatus
from campaigns.rows import CheckScript, ContactRow
from campaigns.source import Fault, KeyPath
from campaigns.texts import BadText
from dialer.accounts import AccountSettings, lines_to_add
from dialer.calls import Script
from dialer.plural import counted
from dialer.providers import provider_for
from dialer.verdicts import Verdict

FOR_THE_DAY = timedelta(minutes=10)  # a throttle longer than this is no minute's


def move_on(db: Connection, campaign_id: str, account: str, why: str, now: datetime) -> bool:
    """Let a campaign go on with the account after this one; False when there is none, or it has moved on before.

    Contacts that wait because of the account that is left are due at once.
    """
    row = db.execute(select(campaigns.c.definition, campaigns.c.account).where(campaigns.c.id == campaign_id)).one()
    following = next_account(parse_definition(row.definition), account)
    if row.account != account or following is None:
        return False
    here = (campaigns.c.id == campaign_id, campaigns.c.account == account, campaigns.c.status.in_(LIVE_CAMPAIGNS))
    anew = {"account": following, "since": now, "held_by": None, "held_until": None}  # its breaker counts anew, too
    if not moved(db, update(campaigns).where(*here).values(**anew)):
        return False
    _wait_no_longer(db, campaign_id, account, now)
    detail = f"from {account} to {following}: {why}"
    note(db, now, who="dialer", event="campaign moved to another account", campaign_id=campaign_id, detail=detail)
    return True


def next_account(definition: Definition, account: str) -> str | None:
    """The account that comes after this one in the order of preference."""
    names = definition.accounts
    place = names.index(account) + 1 if account in names else len(names)
    return names[place] if place < len(names) else None


def has_left(db: Connection, campaign_id: str, account: str) -> bool:
    """Whether a campaign dials with another account by now."""
    return db.scalar(select(campaigns.c.account).where(campaigns.c.id == campaign_id)) != account


def _wait_no_longer(db: Connection, campaign_id: str, account: str, now: datetime) -> None:
    """Contacts that this account told to wait are due now; those that wait for another reason wait on."""
    waiting = (
        contacts.c.campaign_id == campaign_id,
        contacts.c.status == ContactStatus.PENDING,
        contacts.c.due_at > now,
    )
    told = exists().where(
        attempts.c.contact_id == contacts.c.id,
        attempts.c.account == account,
        attempts.c.verdict == Verdict.THROTTLED,
        attempts.c.next_attempt_at == contacts.c.due_at,
    )
    db.execute(update(contacts).where(*waiting, told).values(due_at=now))


def script_for(definition: Definition, account: str, contact: Claimed) -> Script:
    """What this contact hears from this account: the text checked before launch, or the account's own."""
    own = definition.by_account.get(account)
    if own is None or own.message is None:
        return definition.script(contact.text, contact.voice)
    return definition.script(definition.template.render(contact.fields) if definition.template else None)


class Alternative:
    """Another account of a campaign, as its list is read: what every contact would hear from it is checked too."""

    def __init__(self, definition: Definition, account: str, check_script: CheckScript) -> None:
        self.account = account
        self._definition = definition.of_account(account)
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

    def faults(self, definition: Definition) -> Iterator[Fault]:
        """The first of them, with how many there are."""
        for first in self._faults:
            said = f"{self.account} cannot speak to {counted(self.count, 'contact')}; {first}"
            yield definition.fault(("accounts",), said, f"give it a message of its own: by_account.{self.account}")


def alternatives(definition: Definition, accounts: Mapping[str, AccountSettings]) -> list[Alternative]:
    """The accounts after the first, which the settings must have."""
    others = definition.accounts[1:]
    return [Alternative(definition, name, provider_for(accounts[name]).check_script) for name in others]


def account_faults(definition: Definition, accounts: Mapping[str, AccountSettings]) -> Iterator[Fault]:
    """Accounts that are not in the settings, or lead to a sandbox where the first does not, or the reverse."""
    for name in definition.accounts[1:]:
        if name not in accounts:
            yield no_account(definition, ("accounts",), name, accounts)
        elif accounts[name].sandbox != accounts[definition.account].sandbox:
            yield definition.fault(("accounts",), f"one of {definition.account} and {name} leads to a sandbox", "")


def no_account(definition: Definition, path: KeyPath, name: str, accounts: Mapping[str, AccountSettings]) -> Fault:
    """The fault of naming an account that the settings do not have, with what to add to them."""
    there = f"no account {name!r} in the settings" + (f", which have {', '.join(sorted(accounts))}" if accounts else "")
    near = difflib.get_close_matches(name, accounts, n=1)
    if near:
        return definition.fault(path, there, f"did you mean {near[0]}?")
    return definition.fault(path, there, f"add to dialer.toml:\n{lines_to_add(name)}")
