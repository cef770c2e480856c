"""What a process counts and times while it works. `workers/shared_metrics.py` shows it to the console, which serves it.

Labels hold names that settings or we choose, and the words of a provider's own table: never a number, a text or a key.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from dialer.verdicts import OUR_FAULT, Verdict

disable_created_metrics()  # type: ignore[no-untyped-call]

OTHER = "other"
OUR_WORDS: Mapping[str, Verdict] = {  # what we call it where no answer of the provider says it
    OUR_FAULT: Verdict.NOT_SENT,
    "about_another": Verdict.NOT_PLACED,
    "connection_lost": Verdict.NOT_PLACED,  # of a login: of a request it is unconfirmed, and has no word
    "invalid_message": Verdict.HALT_CAMPAIGN,
    "no_free_connection": Verdict.NOT_PLACED,
    "not_offered": Verdict.NOT_PLACED,
    "reply_too_large": Verdict.NOT_PLACED,
    "slot_missed": Verdict.NOT_SENT,
    "timed_out": Verdict.NOT_PLACED,
    "too_late": Verdict.NOT_SENT,
    "unexpected": Verdict.NOT_PLACED,
    "unreachable": Verdict.NOT_PLACED,
}
HTTP_STATUS = re.compile(r"http_[1-5]\d\d")
QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SLOW = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "dialer_requests",
    "Requests to place a call by what came of each; `other` are mnemonics that are not in the provider's table.",
    ("account", "verdict", "mnemonic"),
    registry=REGISTRY,
)
CALLS_ENDED = Counter(
    "dialer_calls_ended",
    "Calls whose outcome became known, as it was known first.",
    ("account", "outcome"),
    registry=REGISTRY,
)
COST = Counter(
    "dialer_cost",
    "What calls cost by the account's prices, as it was known first; without prices there is none.",
    ("account", "currency"),
    registry=REGISTRY,
)
TOKEN_TO_REQUEST = Histogram(
    "dialer_token_to_request_seconds",
    "From the moment for which the token bucket let a request leave until it left.",
    ("account",),
    buckets=QUICK,
    registry=REGISTRY,
)
REQUEST_TO_ANSWER = Histogram(
    "dialer_request_to_answer_seconds",
    "From a request to place a call until the provider's answer; requests without an answer are not in it.",
    ("account",),
    buckets=QUICK,
    registry=REGISTRY,
)
ANSWER_TO_OUTCOME = Histogram(
    "dialer_answer_to_outcome_seconds",
    "From the provider's answer that a call is placed until its outcome is in the ledger.",
    ("account",),
    buckets=SLOW,
    registry=REGISTRY,
)
RECEIPT_AGE = Histogram(
    "dialer_receipt_age_seconds",
    "How old what a new receipt tells is when it arrives, by the provider's clock.",
    ("account",),
    buckets=(*QUICK, *SLOW[4:]),
    registry=REGISTRY,
)
TICK = Histogram(
    "dialer_tick_seconds",
    "How long a tick took; a release tick that finds another at work is not in it.",
    ("tick",),
    buckets=(*QUICK, 60.0),
    registry=REGISTRY,
)


def begin_at_nought(counter: Counter, *values: Iterable[str]) -> None:
    """Show a series for each combination of these values of the counter's labels, from now on, at 0.

    In a series that begins above 0 Prometheus sees no rise: an alert would miss the first of what it watches for.
    """
    for labels in product(*values):
        counter.labels(*labels)


def known_word(mnemonic: str | None, known: Collection[str]) -> str:
    """The mnemonic as a label: what a provider makes up is one label, however much it makes up."""
    if not mnemonic:
        return ""
    word = mnemonic.casefold()
    return word if word in known or HTTP_STATUS.fullmatch(word) else OTHER
