"""Receipts come early, twice, in any order, late or never: what the ledger says in the end is the same."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from campaigns.dispatch.answers import Answer, write_answers
from campaigns.ledger import queries
from campaigns.ledger.tables import attempts, receipts
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.receipts import UNMATCHED_KEPT, apply_waiting
from campaigns.settlement.rulings import accept, mark_unconfirmed, rule
from campaigns.settlement.timeouts import HUNG_UP, NOT_HOW
from dialer.calls import Outcome, Receipt
from dialer.providers.registry import account_settings, provider_for
from dialer.verdicts import Ruling, Verdict
from tests.support.delivering import receive
from tests.support.dialers import working
from tests.support.draws import times
from tests.support.patience import PATIENCE
from tests.support.seeding import attempt, contact, dialing, fresh, numbers, sent

ACCOUNT = account_settings(provider="webex", settle_seconds=180)
WORDS = {
    "OFFERED": "7407",
    "ACCEPTED": "7408",
    "ANSWERED": "7519",
    "BUSY": "7402",
    "NO_ANSWER": "7401",
    "RELEASED": "7405",
    "DISCONNECTED": "7410",
    "DROPPED": "7409",
    "EXPIRED": "7005",
    "SOMETHING_NEW": "7999",
}
DOCUMENTED = {
    "OFFERED ACCEPTED ANSWERED DROPPED RELEASED": "answered",
    "OFFERED ACCEPTED ANSWERED RELEASED DISCONNECTED DROPPED": "answered",
    "OFFERED ACCEPTED DROPPED BUSY": "busy",
    "OFFERED ACCEPTED DROPPED NO_ANSWER": "no_answer",
    "OFFERED ACCEPTED DISCONNECTED DROPPED BUSY": "rejected",
    "EXPIRED": "expired",
}
NEXT_CALL = itertools.count(1)


def receipt(word: str, call: str, attempt_id: UUID | None, at: datetime) -> Receipt:
    """A receipt as the provider's own reading gives it; the vendor leaves our id out of DISCONNECTED."""
    ours = None if word == "DISCONNECTED" else attempt_id
    body = {
        "deliveryInfoNotification": {
            "deliveryInfo": {"code": WORDS[word], "deliveryStatus": word, "timeStamp": at.isoformat()},
            "transid": call,
            "correlationid": str(ours) if ours else "",
        }
    }
    (read,) = provider_for(ACCOUNT).read_receipts(json.dumps(body).encode(), {})
    return read


def deliver(ledger, *heard: Receipt, now: datetime, account: str = "main") -> int:
    return receive(ledger, account, ACCOUNT, heard, "as it came", now=now)


def swept(ledger, clock, seconds: float = 3.0) -> None:
    """A sweep after so many seconds, without any account to ask."""
    clock.forward(seconds)
    sweep(using=Runtime(ledger=ledger, accounts={}, clock=clock, rng=Random(1), notify_url=lambda name: None))


@pytest.fixture
def ringing(ledger, clock):
    """A call that was placed, with the provider's id for it."""
    (one,) = dialing(ledger, numbers(1), now=clock())
    call = f"m-{next(NEXT_CALL)}"
    ledger.write(accept, one, call, ACCOUNT, now=clock.forward(1))
    return one, call


@pytest.mark.parametrize(("words", "outcome"), DOCUMENTED.items(), ids=DOCUMENTED.values())
def test_a_documented_sequence_settles_the_call(ledger, clock, ringing, words, outcome):
    one, call = ringing
    for word in words.split():
        assert deliver(ledger, receipt(word, call, one.id, clock.forward(1)), now=clock()) == 1
    swept(ledger, clock)
    made = attempt(ledger, one.id)
    assert (made.status, made.outcome, made.counted) == ("ended", outcome, True)
    assert made.ended_at <= clock() - timedelta(seconds=3), "the end is when the provider says it was"


@pytest.mark.drawn
@given(
    words=st.sampled_from(sorted(DOCUMENTED)),
    chance=st.randoms(use_true_random=False),
    known=st.booleans(),
    together=st.booleans(),
)
@example(words="OFFERED ACCEPTED ANSWERED RELEASED DISCONNECTED DROPPED", chance=Random(3), known=False, together=False)
@settings(max_examples=times(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_and_no_repeat_changes_the_end(ledger, clock, words, chance, known, together):
    """Shuffled, repeated, one by one or all together, before our own answer is written or after it."""
    start = clock.forward(60)
    (one,) = dialing(ledger, numbers(1), now=start)
    call = f"m-{next(NEXT_CALL)}"
    told = [receipt(word, call, one.id, start + timedelta(seconds=n)) for n, word in enumerate(words.split(), 1)]
    heard = told + chance.sample(told, k=chance.randint(0, len(told)))
    chance.shuffle(heard)
    clock.forward(len(told) + 1)
    if known:
        ledger.write(accept, one, call, ACCOUNT, now=clock())
    for batch in [heard] if together else [[each] for each in heard]:
        deliver(ledger, *batch, now=clock())
    if not known:
        answered = Ruling(verdict=Verdict.PLACED, provider_call_id=call)
        ledger.write(rule, fresh(ledger, one.id), answered, ACCOUNT, now=clock(), rng=Random(1))
        ledger.write(apply_waiting, "main", ACCOUNT, now=clock(), provider_call_ids=[call])
    swept(ledger, clock)
    made, called = attempt(ledger, one.id), contact(ledger, one.contact_id)
    assert (made.status, made.outcome, made.counted) == ("ended", DOCUMENTED[words], True)
    assert (made.provider_call_id, called.attempts) == (call, 1)
    ends = {"RELEASED", "DISCONNECTED", "DROPPED", "BUSY", "NO_ANSWER", "EXPIRED"}
    first_end = next(n for n, word in enumerate(words.split(), 1) if word in ends)
    assert made.ended_at == start + timedelta(seconds=first_end)
    assert called.status == {"answered": "reached", "expired": "expired"}.get(DOCUMENTED[words], "unreached")


def test_receipts_that_overtake_the_answer_to_our_own_request_are_taken(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    deliver(ledger, receipt("OFFERED", "m-1", one.id, clock.forward(1)), now=clock())
    made, called = attempt(ledger, one.id), contact(ledger, one.contact_id)
    assert (made.status, made.counted, made.provider_call_id) == ("placed", True, "m-1")
    assert (called.status, called.attempts) == ("placed", 1)
    late = Ruling(verdict=Verdict.PLACED, provider_call_id="m-1")
    ledger.write(rule, fresh(ledger, one.id), late, ACCOUNT, now=clock.forward(1), rng=Random(1))
    assert contact(ledger, one.contact_id).attempts == 1


@pytest.mark.parametrize("words", [("ANSWERED",), ("BUSY",), ("OFFERED", "ANSWERED", "RELEASED"), ("EXPIRED",)])
def test_a_receipt_that_names_another_attempt_is_not_about_the_call_whose_id_it_bears(ledger, clock, ringing, words):
    one, call = ringing
    for word in words:
        deliver(ledger, receipt(word, call, uuid4(), clock.forward(1)), now=clock())
    swept(ledger, clock)
    assert (attempt(ledger, one.id).status, attempt(ledger, one.id).outcome) == ("placed", None)


def test_our_id_in_a_receipt_outranks_a_call_id_that_another_answer_gave_away(ledger, clock):
    """Both requests were answered with the same id; what names neither attempt is nobody's."""
    first, second = dialing(ledger, numbers(2), now=clock())
    for one in (first, second):
        ledger.write(accept, one, "m-twice", ACCOUNT, now=clock.forward(1))
    deliver(ledger, receipt("ANSWERED", "m-twice", second.id, clock.forward(1)), now=clock())
    deliver(ledger, receipt("DISCONNECTED", "m-twice", None, clock.forward(1)), now=clock())
    assert [attempt(ledger, one.id).status for one in (first, second)] == ["placed", "answered"]


def test_receipts_whose_call_id_is_not_the_answers_are_believed_by_our_own(ledger, clock, ringing):
    one, _ = ringing
    for word in ("OFFERED", "ANSWERED", "RELEASED"):
        deliver(ledger, receipt(word, "m-true", one.id, clock.forward(1)), now=clock())
    swept(ledger, clock)
    assert attempt(ledger, one.id).outcome == "answered"


@pytest.mark.parametrize("verdict", [Verdict.UNCONFIRMED, Verdict.NOT_PLACED, Verdict.THROTTLED])
def test_a_receipt_is_believed_before_an_answer_that_denies_the_call(ledger, clock, verdict):
    (one,) = dialing(ledger, numbers(1), now=clock())
    deliver(ledger, receipt("OFFERED", "m-1", one.id, clock()), now=clock())
    ledger.write(rule, fresh(ledger, one.id), Ruling(verdict=verdict), ACCOUNT, now=clock(), rng=Random(1))
    assert attempt(ledger, one.id).status == "placed"
    assert contact(ledger, one.contact_id).status == "placed", "dialing it again would call it twice"


def test_a_receipt_settles_an_attempt_in_doubt(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    ledger.write(
        mark_unconfirmed, one, Ruling(verdict=Verdict.UNCONFIRMED), settle_seconds=180.0, now=clock.forward(10)
    )
    deliver(ledger, receipt("ACCEPTED", "m-1", one.id, clock.forward(1)), now=clock())
    deliver(ledger, receipt("NO_ANSWER", "m-1", one.id, clock.forward(20)), now=clock())
    swept(ledger, clock)
    made = attempt(ledger, one.id)
    assert (made.status, made.outcome, made.counted, made.provider_call_id) == ("ended", "no_answer", True, "m-1")


def test_a_receipt_without_our_id_waits_for_the_providers_and_is_matched_by_it(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    deliver(ledger, receipt("DISCONNECTED", "m-1", one.id, clock.forward(5)), now=clock())
    assert attempt(ledger, one.id).status == "dialing", "nobody knows yet whose call m-1 is"
    answered = Ruling(verdict=Verdict.PLACED, provider_call_id="m-1")
    ledger.write(rule, fresh(ledger, one.id), answered, ACCOUNT, now=clock(), rng=Random(1))
    ledger.write(apply_waiting, "main", ACCOUNT, now=clock(), provider_call_ids=["m-1"])
    deliver(ledger, receipt("BUSY", "m-1", one.id, clock.forward(1)), now=clock())
    swept(ledger, clock)
    assert attempt(ledger, one.id).outcome == "rejected", "busy and hung up: declined"


def test_a_repeat_is_stored_once_and_forgotten(ledger, clock, ringing):
    one, call = ringing
    told = receipt("ANSWERED", call, one.id, clock.forward(1))
    assert deliver(ledger, told, now=clock()) == 1
    assert deliver(ledger, told, told, now=clock.forward(60)) == 0
    with ledger.reading() as db:
        assert len(db.execute(select(receipts.c.id)).all()) == 1


def test_a_repeat_delivered_to_many_doors_at_once_is_stored_once(ledger, clock, ringing):
    one, call = ringing
    told = [receipt(word, call, one.id, clock.forward(1)) for word in ("OFFERED", "ANSWERED", "RELEASED")]
    fresh_ones: list[int] = []
    doors = [threading.Thread(target=lambda: fresh_ones.append(deliver(ledger, *told, now=clock()))) for _ in range(6)]
    for each in doors:
        each.start()
    for each in doors:
        each.join()
    assert sum(fresh_ones) == 3
    swept(ledger, clock)
    assert attempt(ledger, one.id).outcome == "answered"


@pytest.mark.parametrize("word", [word for word in WORDS if word not in {"ANSWERED", "RELEASED"}])
def test_a_receipt_after_the_end_that_tells_of_no_answer_is_kept_and_moves_nothing(ledger, clock, ringing, word):
    one, call = ringing
    ending = Ending(outcome=Outcome.NO_ANSWER, ended_at=clock.forward(30))
    ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    before = (attempt(ledger, one.id), contact(ledger, one.contact_id))
    assert deliver(ledger, receipt(word, call, one.id, clock.forward(1)), now=clock()) == 1
    swept(ledger, clock, 300)
    assert (attempt(ledger, one.id), contact(ledger, one.contact_id)) == before


@pytest.mark.parametrize("word", ["ANSWERED"])
def test_a_receipt_after_the_end_that_tells_of_an_answer_says_so(ledger, clock, ringing, word):
    one, call = ringing
    ending = Ending(outcome=Outcome.NO_ANSWER, ended_at=clock.forward(30))
    ledger.write(conclude, fresh(ledger, one.id), ending, now=clock())
    assert deliver(ledger, receipt(word, call, one.id, clock.forward(1)), now=clock()) == 1
    assert (attempt(ledger, one.id).outcome, contact(ledger, one.contact_id).status) == ("answered", "reached")


def test_receipts_for_calls_that_are_not_ours_are_kept_a_day_and_then_left_alone(ledger, clock):
    stray = receipt("ANSWERED", "somebody-elses", uuid4(), clock())
    assert deliver(ledger, stray, now=clock()) == 1
    for seconds, looked_for in ((3600, True), (UNMATCHED_KEPT.total_seconds(), False)):
        swept(ledger, clock, seconds)
        with ledger.reading() as db:
            row = db.execute(select(receipts)).one()
        assert (row.attempt_id, row.applied_at is None) == (None, looked_for)


def test_a_receipt_at_another_accounts_door_finds_no_attempt(ledger, clock, ringing):
    one, call = ringing
    deliver(ledger, receipt("BUSY", call, one.id, clock()), now=clock(), account="other")
    swept(ledger, clock)
    assert attempt(ledger, one.id).status == "placed"


def test_a_word_that_no_table_knows_says_only_that_the_provider_has_the_call(ledger, clock):
    (one,) = dialing(ledger, numbers(1), now=clock())
    deliver(ledger, receipt("SOMETHING_NEW", "m-1", one.id, clock()), now=clock())
    assert attempt(ledger, one.id).status == "placed"


LOST = [
    pytest.param("OFFERED ACCEPTED ANSWERED DROPPED", "answered", id="RELEASED"),
    pytest.param("ANSWERED RELEASED", "answered", id="all but two"),
    pytest.param("BUSY", "busy", id="all but the rejection"),
    pytest.param("OFFERED DISCONNECTED BUSY", "rejected", id="DROPPED"),
]


@pytest.mark.parametrize(("words", "outcome"), LOST)
def test_a_lost_receipt_is_made_up_for_by_the_others(ledger, clock, ringing, words, outcome):
    one, call = ringing
    for word in words.split():
        deliver(ledger, receipt(word, call, one.id, clock.forward(1)), now=clock())
    swept(ledger, clock)
    assert attempt(ledger, one.id).outcome == outcome


def test_a_dropped_call_is_not_called_failed_before_the_other_receipts_had_their_time(ledger, clock, ringing):
    """DROPPED comes with every end, good or bad: whoever heard the message must not be called again."""
    one, call = ringing
    deliver(ledger, receipt("DROPPED", call, one.id, clock.forward(1)), now=clock())
    swept(ledger, clock, 15)
    assert attempt(ledger, one.id).status == "placed"
    deliver(ledger, receipt("ANSWERED", call, one.id, clock()), now=clock())
    swept(ledger, clock)
    assert attempt(ledger, one.id).outcome == "answered"


@pytest.mark.parametrize(
    ("words", "why"),
    [("DROPPED", NOT_HOW), ("DROPPED RELEASED", NOT_HOW), ("DISCONNECTED", HUNG_UP), ("DROPPED DISCONNECTED", HUNG_UP)],
)
def test_a_call_of_which_only_an_end_is_heard_is_unknown_and_says_what_was_heard(ledger, clock, ringing, words, why):
    one, call = ringing
    for word in words.split():
        deliver(ledger, receipt(word, call, one.id, clock.forward(1)), now=clock())
    swept(ledger, clock, 21)
    assert attempt(ledger, one.id).outcome == "unknown"
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason) == ("unknown", why)


def test_an_answered_call_whose_end_is_never_told_was_answered(ledger, clock, ringing):
    one, call = ringing
    deliver(ledger, receipt("ANSWERED", call, one.id, clock.forward(1)), now=clock())
    swept(ledger, clock, 400)
    made = attempt(ledger, one.id)
    assert (made.outcome, made.detail) == ("answered", "answered; its end was never told")
    assert contact(ledger, one.contact_id).status == "reached"


def test_a_call_of_which_nothing_is_ever_heard_is_unknown_and_says_so(ledger, clock, ringing):
    one, _ = ringing
    swept(ledger, clock, 400)
    row = contact(ledger, one.contact_id)
    assert (row.status, row.reason) == ("unknown", "the provider took the call and never told how it ended")


HEARD_NOTHING = "nothing was heard of the call: it may have rung"
HTML = "the answer is an HTML page, none of the API's answers (HTTP 502)"


@pytest.mark.parametrize(
    ("facts", "reason", "detail"),
    [
        (
            {"code": "502", "detail": HTML},
            "the provider's answer (HTTP 502) did not say whether the call was placed",
            HTML,
        ),
        (
            {"code": "-32050", "detail": "new: No"},
            "the provider's answer (-32050) did not say whether the call was placed",
            "new: No",
        ),
        (
            {"mnemonic": "internal_error", "code": "-32603", "detail": "it failed"},
            "the provider's answer (internal_error) did not say whether the call was placed",
            "it failed",
        ),
        (
            {"detail": "api.example:443 did not answer in time"},
            "no answer to the request is known",
            "api.example:443 did not answer in time",
        ),
        ({}, "no answer to the request is known", "no answer to the request is known"),
    ],
)
def test_a_call_in_doubt_keeps_what_was_answered_until_the_end(ledger, clock, facts, reason, detail):
    (one,) = dialing(ledger, numbers(1), now=clock())
    doubt = Ruling(verdict=Verdict.UNCONFIRMED, **facts)
    ledger.write(mark_unconfirmed, one, doubt, settle_seconds=60.0, now=clock())
    swept(ledger, clock, 400)
    made, row = attempt(ledger, one.id), contact(ledger, one.contact_id)
    assert (made.status, made.detail) == ("unknown", f"{detail}; {HEARD_NOTHING}")
    assert (row.status, row.reason) == ("unknown", f"{reason}, and {HEARD_NOTHING}")


@pytest.mark.parametrize("hours", [-5, 5], ids=["behind", "ahead"])
def test_the_retry_clock_does_not_believe_a_providers_clock_that_cannot_be_right(ledger, clock, hours):
    """A sample of the vendor's has a time without a zone: hours off, a retry would come at once, or never."""
    (one,) = dialing(ledger, numbers(1), now=clock(), retry={"max_attempts": 2, "busy": ["5m"]})
    ledger.write(accept, one, "m-1", ACCOUNT, now=clock())
    told = receipt("BUSY", "m-1", one.id, clock.forward(2) + timedelta(hours=hours))
    deliver(ledger, told, now=clock())
    swept(ledger, clock)
    assert contact(ledger, one.contact_id).due_at == clock() + timedelta(minutes=5)


def test_answers_and_receipts_of_the_same_calls_at_once_never_wait_for_each_other_crosswise(ledger, redis_url, clock):
    deadlocks: list[str] = []

    def note(context) -> None:
        if getattr(context.original_exception, "sqlstate", None) == "40P01":
            deadlocks.append(str(context.original_exception))

    event.listen(ledger.engine, "handle_error", note)
    with working(ledger, redis_url, {"main": ACCOUNT}, clock=clock) as using, ThreadPoolExecutor(3) as threads:
        for turn in range(12):
            opened = dialing(ledger, numbers(6), now=clock())
            calls = {one.id: f"m-{turn}-{place}" for place, one in enumerate(opened)}
            answers = [
                Answer(sent(one), Ruling(verdict=Verdict.PLACED, provider_call_id=calls[one.id])) for one in opened
            ]
            told = [receipt("ANSWERED", call, one, clock()) for one, call in reversed(calls.items())]
            with ledger.reading() as db:
                campaign = queries.campaign(db, opened[0].campaign_id)
            written = [threads.submit(write_answers, answers, campaign, using.accounts["main"], using)]
            written += [threads.submit(deliver, ledger, *told[first::2], now=clock()) for first in range(2)]
            for one in written:
                one.result(PATIENCE)
    event.remove(ledger.engine, "handle_error", note)
    assert deadlocks == []
    with ledger.reading() as db:
        assert set(db.scalars(select(attempts.c.status))) == {"answered"}
