"""Calls in progress, as a table or as JSON facts: a line for each participant, numbers masked."""

from __future__ import annotations

import time
from typing import Any

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from campaigns.ledger.store import Ledger
from campaigns.operations import live_calls
from console.cli.output import out, table
from dialer.account import Account
from dialer.errors import ProviderError
from dialer.live_calls import LiveCall
from dialer.phone import mask


def call_facts(ledger: Ledger, accounts: list[Account]) -> list[dict[str, Any]]:
    """Every call in progress of these accounts, as facts. Raises ProviderError when a list cannot be read."""
    calls = list(live_calls.calls_in_progress(accounts))
    campaigns = live_calls.campaigns_of_calls(ledger, [call for _, call in calls])
    return [_facts(account.name, call, campaigns.get(call.external_id or "")) for account, call in calls]


def watch(ledger: Ledger, accounts: list[Account], every: float) -> None:
    """Show the calls in progress, refreshed every `every` seconds until Ctrl-C. A failed refresh is shown."""
    with Live(console=out, refresh_per_second=4) as screen:
        while True:
            try:
                screen.update(calls_table(call_facts(ledger, accounts)))
            except ProviderError as error:
                screen.update(escape(f"{error.message}; looking again"))
            time.sleep(every)


def calls_table(calls: list[dict[str, Any]]) -> Table | str:
    """The calls as a table of 80 columns, a line for each leg."""
    if not calls:
        return "No call is in progress."
    shown = table("call", "leg", "who", "state", "campaign")
    for call in calls:
        labels = str(call["call_session_id"]), escape(call["campaign"] or call["account"])
        for index, leg in enumerate(call["legs"] or [{}]):
            first = index == 0
            shown.add_row(
                labels[0] if first else "",
                str(leg.get("leg_id") or "–"),
                _participant(leg),
                _state(leg),
                labels[1] if first else "",
            )
    return shown


def _facts(account: str, call: LiveCall, campaign: str | None) -> dict[str, Any]:
    return {
        "account": account,
        "call_session_id": call.call_session_id,
        "direction": call.direction,
        "start_time": call.start_time,
        "virtual_phone_number": call.virtual_phone_number,
        "contact_phone_number": _masked(call.contact_phone_number),
        "external_id": call.external_id,
        "campaign": campaign,
        "tags": [{"id": tag.tag_id, "name": tag.tag_name} for tag in call.tags],
        "legs": [
            {
                "leg_id": leg.leg_id,
                "called": _masked(leg.called_phone_number),
                "is_operator": leg.is_operator,
                "employee": leg.employee_full_name,
                "recorded": leg.record_call_enabled,
                "state": leg.state,
            }
            for leg in call.legs
        ],
    }


def _participant(leg: dict[str, Any]) -> str:
    role = "operator" if leg.get("is_operator") else "contact"
    return escape(f"{role} {leg.get('employee') or leg.get('called') or ''}".strip())


def _state(leg: dict[str, Any]) -> str:
    return escape(f"{leg.get('state') or '?'}{' ●' if leg.get('recorded') else ''}")


def _masked(number: str | None) -> str | None:
    """A masked number; a short extension as it is, since it is nobody's phone number."""
    if number is None or len(number) < 7:
        return number
    return mask("+" + number.lstrip("+"))
