"""What to do about those who were not reached, in plain words for whoever asked for the calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Advice(NamedTuple):
    """What happened to these people, or rows, and what can be done."""

    what_happened: str
    what_to_do: str


ADVICE: Mapping[str, Advice] = {
    "unknown": Advice(
        "They may have been called, and nobody knows whether they were.",
        "Ask them, or look for the call at the provider. They are not called again unless you say so: some would hear "
        "it twice.",
    ),
    "unreached": Advice(
        "All calls to them went unanswered.",
        "Have them called again at another hour, or call them yourself: the follow-up file has their numbers.",
    ),
    "refused": Advice(
        "The provider does not call these numbers.",
        "Correct the number in your list, or reach them in another way.",
    ),
    "expired": Advice(
        "It was too late before they could be called.",
        "If it still matters, reach them in another way. Next time begin earlier, or let more calls be made at once.",
    ),
    "cancelled": Advice(
        "The campaign was cancelled before they were called.",
        "Have those who were left called again, or start the campaign anew.",
    ),
    "rejected": Advice(
        "These rows of the list could not be used: the reason stands beside each.",
        "Correct the rows, and start a campaign over them.",
    ),
    "left_out": Advice(
        "These rows of the list were left out, as the campaign file or a do-not-call list asks.",
        "Nothing, unless the reason beside a row is wrong.",
    ),
    "suppressed": Advice(
        "They are on a do-not-call list.",
        "Leave them alone. Whoever agrees to be called again has to be taken off that list first.",
    ),
    "withdrawn": Advice("They were taken out of the campaign.", "Nothing: somebody decided so."),
    "silent": Advice(
        "They were reached, and pressed nothing.",
        "If you need their answer, have them called again, or ask them.",
    ),
    "open": Advice("They are not done yet.", "Nothing: calling goes on by itself, or the campaign says why it waits."),
}
"""By status; `silent`: reached without an answer where one was asked for. Those who need somebody come first."""
