"""Checks a campaign's changes to its provider's verdict table (`retry.mnemonics`) against that table."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from campaigns.definition import Definition
from campaigns.definition.yaml_source import FileFault
from dialer.providers.provider import PolicyRow
from dialer.verdicts import FIXED_VERDICTS

WHY_FIXED = {
    "placed": "the provider has the call",
    "unconfirmed": "the call may be ringing, so nothing but the provider or a receipt may settle it",
    "not_sent": "nothing was asked of the provider",
    "login_again": "a login is renewed by itself, once",
}


def policy_faults(definition: Definition, policy: Sequence[PolicyRow]) -> Iterator[FileFault]:
    """Faults for mnemonics whose verdict may not be changed, with the reason, and for misspelt ones.

    A mnemonic that resembles none of the table is accepted: the provider may have added it since.
    """
    overridden = definition.retry.mnemonics if definition.retry else {}
    verdicts = {row.mnemonic: row.verdict for row in policy}
    for mnemonic in overridden:
        path = ("retry", "mnemonics", mnemonic)
        verdict = verdicts.get(mnemonic)
        if verdict in FIXED_VERDICTS:
            yield definition.fault(path, f"{mnemonic} is {verdict}: {WHY_FIXED[verdict]}", "remove it")
        elif verdict is None and (similar := difflib.get_close_matches(mnemonic, verdicts, n=1, cutoff=0.85)):
            yield definition.fault(path, "the provider has no such word", f"did you mean {similar[0]}?")
