"""The few keys of a stored definition that lists show, read without the models that check whole definitions.

Those take longer to import and to build than everything else that `dialer status` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple


class StoredKeys(NamedTuple):
    """What a definition's text says of these keys.

    account         the preferred account; None where the text names none
    pace            calls a second that the campaign allows itself; None where it names none
    shows_several   whether it may show several numbers, or one with rules of its own: a definition says which
    """

    account: str | None = None
    pace: float | None = None
    shows_several: bool = False


@lru_cache(maxsize=256)
def stored_keys(text: str) -> StoredKeys:
    """The keys in a definition's text; blank ones where another version wrote what is not understood here."""
    try:
        keys = json.loads(text)
    except ValueError:
        return StoredKeys()
    if not isinstance(keys, dict):
        return StoredKeys()
    account, pace = keys.get("account"), keys.get("pace")
    return StoredKeys(
        account=account if isinstance(account, str) else None,
        pace=pace if isinstance(pace, int | float) else None,
        shows_several=any(not isinstance(shown, str) for shown in _shown_numbers(keys)),
    )


def _shown_numbers(keys: dict[str, Any]) -> Iterator[Any]:
    """What `caller_id` is in the text, for each account: one number alone is a text."""
    yield keys.get("caller_id")
    by_account = keys.get("by_account")
    for own in by_account.values() if isinstance(by_account, dict) else ():
        if isinstance(own, dict) and own.get("caller_id") is not None:
            yield own["caller_id"]
