"""Rows of a provider's verdict table that a campaign wants otherwise (`retry.mnemonics`), held against that table."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from campaigns.definition import Definition
from campaigns.definition.yaml_source import FileFault
from dialer.providers.provider import PolicyRow
from dialer.verdicts import FIXED_VERDICTS

WHY_FIXED = {
    "placed": "the call is there",
    "unconfirmed": "the call may be ringing, so nothing but the provider or a receipt may settle it",
    "not_sent": "nothing was asked of the provider",
    "login_again": "a login is renewed by itself, once",
}


def policy_faults(definition: Definition, policy: Sequence[PolicyRow]) -> Iterator[FileFault]:
    """What may not be overruled, with the reason, and words that are misspelt.

    A word like none in the table is let through: there a campaign may know more than we do.
    """
    written = definition.retry.mnemonics if definition.retry else {}
    verdicts = {row.mnemonic: row.verdict for row in policy}
    for word in written:
        path = ("retry", "mnemonics", word)
        verdict = verdicts.get(word)
        if verdict in FIXED_VERDICTS:
            yield definition.fault(path, f"{word} is {verdict}: {WHY_FIXED[verdict]}", "remove it")
        elif verdict is None and (near := difflib.get_close_matches(word, verdicts, n=1, cutoff=0.85)):
            yield definition.fault(path, "the provider has no such word", f"did you mean {near[0]}?")
