"""Every subset and order of a call's receipts, of both vendors, against what really became of the call.

Nobody who answered is dialed again, though every outcome is to be retried; nobody is reported as reached who was not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import chain, combinations, count, permutations, product
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from campaigns.ledger.queries import OpenAttempt
from campaigns.settlement.rulings import accept
from dialer.account_settings import AccountSettings
from dialer.calls import REACHED, Outcome, Progress, Receipt
from dialer.providers.callgear import notifications
from dialer.providers.callgear.hangup_causes import ALSO_AFTER_AN_ANSWER, HUNG_UP, UNANSWERED
from dialer.providers.registry import account_settings, provider_for
from dialer.receipts import CallSummary, summarize_receipts
from dialer.sandbox.callgear.notifications import filled
from dialer.sandbox.clock import Clock
from dialer.sandbox.course import Course
from dialer.sandbox.course import Outcome as CourseEnd
from dialer.sandbox.log import PlacedCall
from dialer.sandbox.numbers import ReservedBehaviour
from dialer.sandbox.webex.receipts import body, sequence
from tests.campaigns.settlement.test_receipts import swept
from tests.support.delivering import receive
from tests.support.seeding import contact, dialing, numbers

WEBEX = account_settings(provider="webex", settle_seconds=180)
CALLGEAR = account_settings(provider="callgear", settle_seconds=180)
EVERY_RETRY = {"max_attempts": 9} | dict.fromkeys(("busy", "no_answer", "rejected", "failed"), ["1m"] * 9)
CLOCK = Clock(speed=1.0)
NEXT = count(1)
T = TypeVar("T")
FINDABLE = {True: ("reached", "unknown"), False: ("pending", "unreached", "expired", "unknown")}  # by: it was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What became of a call, and every receipt of it as the vendor documents them."""

    name: str
    answered: bool
    receipts: tuple[Receipt, ...]
    settings: AccountSettings


def webex_stories() -> Iterator[Story]:
    """The documented sequences, in the bodies that the sandbox sends."""
    talked = Course(placed=0, answered=3, ended=9, outcome=CourseEnd.ANSWERED)
    courses = {
        "played to the end": (talked, ReservedBehaviour.ANSWERS),
        "hung up": (replace(talked, hung_up=True), ReservedBehaviour.HANGS_UP),
        "talked to an agent": (talked, ReservedBehaviour.TO_AGENT),
        "declined, and told as rejected": (_vain(CourseEnd.REJECTED), ReservedBehaviour.DECLINED),
        **{
            outcome.value: (_vain(outcome), ReservedBehaviour.ANSWERS) for outcome in CourseEnd if outcome != "answered"
        },
    }
    for name, (course, behaviour) in courses.items():
        call = PlacedCall(
            vendor="webex", account="main", call_id="m", correlation_id=None, to="+14155550100", caller="+18005550100",
            script="tts", text_length=9, course=course,
        )  # fmt: skip
        bodies = [body(event, call, "", moment, CLOCK) for moment, event in sequence(course, behaviour)]
        heard = tuple(chain.from_iterable(_read(WEBEX, json.dumps(each)) for each in bodies))
        yield Story(name=f"webex: {name}", answered=course.answered is not None, receipts=heard, settings=WEBEX)


def callgear_stories() -> Iterator[Story]:
    """Its notifications with every reason and talk time. A played message may not count as a talk: no document says."""
    anything = [None, "a_new_reason", *sorted(HUNG_UP | ALSO_AFTER_AN_ANSWER)]
    for reason, talk, last in product(anything, (None, 0, 6), ("talk_finished", "lost")):
        yield _callgear(reason, talk, ("outbound", "dialing", "talk_started", last, "finished"))
    for reason, talk, last in product([*anything, *UNANSWERED], (None, 0), ("lost", "finished")):
        yield _callgear(reason, talk, ("outbound", "dialing", *dict.fromkeys((last, "finished"))))


def _callgear(reason: str | None, talk: int | None, events: Sequence[str]) -> Story:
    values = {"call_session_id": 7, "external_id": None, "lost_reason": reason, "talk_time_duration": talk}
    bodies = [filled(notifications.template(event), values) for event in events]
    heard = tuple(chain.from_iterable(_read(CALLGEAR, each) for each in bodies))
    answered = "talk_started" in events
    name = f"callgear: {events[-2]} {reason} {talk}, {'answered' if answered else 'unanswered'}"
    return Story(name=name, answered=answered, receipts=heard, settings=CALLGEAR)


def _vain(outcome: CourseEnd) -> Course:
    return Course(placed=0, answered=None, ended=9, outcome=outcome)


def _read(settings: AccountSettings, text: str) -> Sequence[Receipt]:
    return provider_for(settings).read_receipts(text.encode(), {})


@cache
def stories() -> tuple[Story, ...]:
    return (*webex_stories(), *callgear_stories())


def subsets(parts: Sequence[T]) -> Iterator[tuple[T, ...]]:
    return chain.from_iterable(combinations(parts, size) for size in range(len(parts) + 1))


@pytest.mark.slow
def test_every_order_and_repeat_of_every_subset_says_the_same():
    told = 0
    for story in stories():
        for subset in subsets(story.receipts):
            summary = summarize_receipts(subset)
            orders = chain(permutations(subset), ((*subset, twice) for twice in subset))
            for heard in orders:
                assert summarize_receipts(heard) == summary, (story.name, [receipt.word for receipt in heard])
                told += 1
    assert told > 50_000


@pytest.mark.slow
def test_no_subset_of_receipts_says_more_than_the_truth():
    for story in stories():
        for subset in subsets(story.receipts):
            summary = summarize_receipts(subset)
            where = (story.name, [f"{receipt.word} {receipt.code}" for receipt in subset], summary)
            if story.answered:
                assert summary.outcome in {None, Outcome.UNKNOWN, *REACHED}, where
            else:
                assert summary.outcome not in REACHED, where
                assert summary.progress is not Progress.ANSWERED, where


def test_all_receipts_of_a_documented_sequence_say_how_the_call_ended():
    for story in webex_stories():
        summary = summarize_receipts(story.receipts)
        assert summary.tells_all, story.name
        assert (summary.outcome in REACHED) is story.answered, story.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Some receipts of a call heard in time, and others after it was concluded."""

    story: Story
    in_time: tuple[Receipt, ...]
    late: tuple[Receipt, ...]


def distinct_hearings() -> list[Hearing]:
    """One hearing for each pair of what was known in time and in the end, of all subsets, in time and late."""
    known: dict[object, Hearing] = {}
    for story in stories():
        receipts = story.receipts
        summaries = {
            places: _timeless(summarize_receipts([receipts[place] for place in places]))
            for places in subsets(range(len(receipts)))
        }
        for heard, after in summaries.items():
            for early in subsets(heard):
                key = (story.answered, story.settings.provider, summaries[early], after)
                if key not in known:
                    in_time = tuple(receipts[place] for place in early)
                    late = tuple(receipts[place] for place in heard if place not in early)
                    known[key] = Hearing(story=story, in_time=in_time, late=late)
    return list(known.values())


def _timeless(summary: CallSummary) -> CallSummary:
    return replace(summary, answered_at=None, ended_at=None)


@pytest.mark.slow
def test_nobody_who_answered_is_dialed_again_and_nobody_is_reached_who_was_not(ledger, clock):
    hearings = distinct_hearings()
    assert len(hearings) > 100
    opened = dialing(ledger, numbers(len(hearings)), now=clock(), retry=EVERY_RETRY)
    calls = [f"c-{next(NEXT)}" for _ in opened]
    ledger.write(_accept_all, opened, calls, clock())
    clock.forward(10)
    for round_ in ("in_time", "late"):
        for settings in (WEBEX, CALLGEAR):
            heard = [
                _of(receipt, call)
                for hearing, call in zip(hearings, calls, strict=True)
                for receipt in getattr(hearing, round_)
                if hearing.story.settings is settings
            ]
            receive(ledger, "main", settings, heard, "as it came", now=clock())
        swept(ledger, clock, 400)
        for hearing, one in zip(hearings, opened, strict=True):
            row = contact(ledger, one.contact_id)
            where = (round_, hearing.story.name, [receipt.word for receipt in hearing.in_time], row.reason)
            assert row.status in FINDABLE[hearing.story.answered], where


def _accept_all(db: Connection, opened: Sequence[OpenAttempt], calls: Sequence[str], now: datetime) -> None:
    for one, call in zip(opened, calls, strict=True):
        accept(db, one, call, WEBEX, now=now)


def _of(receipt: Receipt, call: str) -> Receipt:
    return replace(receipt, provider_call_id=call, event_id=f"{receipt.event_id}{call}")
