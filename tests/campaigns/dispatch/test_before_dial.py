"""A campaign's own program is asked before dialing: whom it does not let go is not called, and no attempt is used."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import func, select
from standardwebhooks import Webhook, WebhookVerificationError

from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.release import release
from campaigns.ledger import questions
from campaigns.ledger.claims import end_waiting
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import ContactStatus
from campaigns.operations.webhooks.subscriptions import question_salts, rotate_question_secret
from campaigns.reporting.explain import explain_campaign, explain_contact
from campaigns.runtime import Runtime
from dialer.deadline import utc_now
from dialer.outside_url import question_salt
from dialer.phone import parse
from dialer.signing import secret_of
from dialer.transport.signed_posts import SignedPosts
from tests.support.dialers import serving, webex, working
from tests.support.patience import PATIENCE
from tests.support.seeding import claim, contact, definition, numbers, seed
from tests.support.webhook_receiver import KEY, Event, Receiver, Told, receiving, sending

SLICES = 5  # of one contact each, as a pace of ten has in half a second


@pytest.fixture(scope="module")
def served() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def program(served) -> Receiver:
    """The campaign's program; it lets everybody go until a test says otherwise."""
    served.came.clear()
    served.answer = lambda _event: (204, {}, b"")
    return served


@pytest.fixture(scope="module")
def posts() -> Iterator[SignedPosts]:
    with sending() as posts:
        yield posts


@pytest.fixture
def called() -> list[Any]:
    """The requests that the vendor has had."""
    return []


@pytest.fixture
def using(ledger, redis_url, buckets, posts, called) -> Iterator[Runtime]:
    def answer(_method: str, _path: str, body: bytes) -> tuple[int, Any]:
        called.append(json.loads(body))
        return 201, {"messageId": f"m-{len(called)}-{time.monotonic_ns()}", "status": "queued"}

    with serving(answer) as url, working(ledger, redis_url, {"main": webex(url)}, posts=posts) as runtime:
        yield runtime


def sliced(
    using: Runtime, program: Receiver, many: int = 3, on_error: str = "hold", timeout: str = "1s", **changes: Any
) -> Slice:
    asked = {"url": program.url, "timeout": timeout, "on_error": on_error}
    campaign_id = seed(using.ledger, numbers(many), now=using.clock(), before_dial=asked, **changes)
    return claimed(using, campaign_id, many)


def claimed(using: Runtime, campaign_id: str, many: int) -> Slice:
    claim_id, ids = claim(using.ledger, campaign_id, many, now=using.clock())
    return Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids))


def rows(using: Runtime, slice_: Slice) -> list[Any]:
    return [contact(using.ledger, one) for one in slice_.contact_ids]


def tried(using: Runtime) -> int:
    with using.ledger.reading() as db:
        return db.scalar(select(func.count()).select_from(attempts)) or 0


def says(*answers: dict[str, Any]) -> Any:
    body = json.dumps({"answers": list(answers)}).encode()
    return lambda _event: (200, {}, body)


def test_a_slice_is_asked_in_one_signed_question_with_ids_and_keys_only(using, program, called):
    slice_ = sliced(using, program)
    assert dial(slice_, using=using) == 3
    (question,) = program.came
    assert Webhook(secret_of(KEY, question_salt(program.url))).verify(question.body, question.headers)
    assert question.type == "contacts.before_dial"
    asked = question.data["contacts"]
    assert [one["id"] for one in asked] == list(slice_.contact_ids)
    assert {tuple(sorted(one)) for one in asked} == {("id", "key", "tries")}
    assert question.data["campaign"] == slice_.campaign_id
    assert not any(number.removeprefix("+") in question.body.decode() for number in numbers(3))
    assert len(called) == 3


def test_tasks_ask_side_by_side_so_that_a_program_that_thinks_keeps_no_other_slice_waiting(using, program, called):
    """It answers nobody before all are asking: the pace is the tokens' then, however long it takes within its time."""
    gate = threading.Barrier(SLICES)

    def answer(_event: Event) -> Told:
        gate.wait(PATIENCE)
        return 204, {}, b""

    program.answer = answer
    slice_ = sliced(using, program, SLICES, timeout="5s")
    slices = [replace(slice_, contact_ids=(one,)) for one in slice_.contact_ids]
    with ThreadPoolExecutor(SLICES) as threads:
        placed = list(threads.map(lambda one: dial(one, using=using), slices))
    assert (placed, len(called), len(program.came)) == ([1] * SLICES, SLICES, SLICES)


def test_whoever_is_skipped_or_put_off_is_not_called_and_uses_no_attempt(using, program, called):
    slice_ = sliced(using, program)
    first, second, third = slice_.contact_ids
    until = (using.clock() + timedelta(hours=3)).replace(microsecond=0)
    program.answer = says(
        {"id": first, "answer": "go"},
        {"id": second, "answer": "skip", "reason": "cancelled by the clinic"},
        {"id": third, "answer": "later", "until": until.isoformat(), "reason": "being changed"},
    )
    assert dial(slice_, using=using) == 1
    went, skipped, later = rows(using, slice_)
    assert went.status in ("dialing", "placed")
    assert (skipped.status, skipped.reason, skipped.tries) == (
        "withdrawn",
        "before_dial: cancelled by the clinic",
        0,
    )
    assert (later.status, later.due_at, later.tries) == ("pending", until, 0)
    assert (tried(using), len(called)) == (1, 1)
    explained = explain_contact(using.ledger, slice_.campaign_id, parse(later.phone), now=using.clock())
    assert explained.why == "it was put off by before_dial: being changed"
    assert explained.clears_at == until


def test_what_put_a_contact_off_is_forgotten_when_it_is_called(using, program):
    slice_ = sliced(using, program, 1)
    (one,) = slice_.contact_ids
    program.answer = says({"id": one, "answer": "later", "until": "2020-01-01T00:00:00Z"})
    assert dial(slice_, using=using) == 0
    row = contact(using.ledger, one)
    assert timedelta(0) < row.due_at - using.clock() <= timedelta(seconds=1), "a moment that has passed is soon"
    using = replace(using, clock=lambda: utc_now() + timedelta(seconds=2))
    program.answer = says({"id": one, "answer": "go"})
    assert dial(claimed(using, slice_.campaign_id, 1), using=using) == 1
    assert contact(using.ledger, one).reason is None


def silent_answers() -> list[Any]:
    def cut(_event: Event) -> Told:
        raise ConnectionError

    def late(_event: Event) -> Told:
        time.sleep(1.2)
        return 204, {}, b""

    return [
        pytest.param(lambda _event: (500, {}, b""), id="500"),
        pytest.param(lambda _event: (302, {"location": "/elsewhere"}, b""), id="redirect"),
        pytest.param(lambda _event: (200, {}, b"yes"), id="no JSON"),
        pytest.param(lambda _event: (200, {}, b'{"answers": 3}'), id="no list"),
        pytest.param(lambda _event: (200, {}, b"[" * 60_000), id="deep"),
        pytest.param(lambda _event: (200, {}, b" " * (1 << 20)), id="large"),
        pytest.param(cut, id="cut"),
        pytest.param(late, id="late"),
    ]


@pytest.mark.parametrize("answer", silent_answers())
def test_without_an_answer_the_campaign_is_held_until_it_is_asked_again(using, program, called, answer):
    program.answer = answer
    slice_ = sliced(using, program)
    assert dial(slice_, using=using) == 0
    assert {(row.status, row.tries) for row in rows(using, slice_)} == {("pending", 0)}
    assert called == []
    with using.ledger.reading() as db:
        silent = questions.unanswered(db, slice_.campaign_id)
    assert silent.failures == 1
    assert release(using=replace(using, clock=lambda: silent.ask_at - timedelta(seconds=0.1))) == []
    _, reason = explain_campaign(using.ledger, slice_.campaign_id, now=using.clock())
    assert reason.kind == "asked_elsewhere"
    assert reason.words.startswith("before_dial gives no answer: ")
    assert reason.clears_at == silent.ask_at


def test_one_contact_asks_whether_it_answers_again_and_then_all_go_on(using, program, called):
    program.answer = lambda _event: (503, {}, b"")
    slice_ = sliced(using, program, 5)
    dial(slice_, using=using)
    later = replace(using, clock=lambda: utc_now() + timedelta(seconds=2))
    (probe,) = release(using=later)
    assert len(probe.contact_ids) == 1
    assert dial(probe, using=later) == 0
    with using.ledger.reading() as db:
        assert questions.unanswered(db, slice_.campaign_id).failures == 2, "it is asked again later, ever later"
    later = replace(using, clock=lambda: utc_now() + timedelta(seconds=6))
    program.answer = lambda _event: (204, {}, b"")
    (probe,) = release(using=later)
    assert dial(probe, using=later) == 1
    with using.ledger.reading() as db:
        assert questions.unanswered(db, slice_.campaign_id) is None
    assert sum(len(one.contact_ids) for one in release(using=later)) == 4


def test_slices_that_fail_together_count_as_once_and_those_after_them_do_not_ask(using, program):
    program.answer = lambda _event: (500, {}, b"")
    slice_ = sliced(using, program, 4)
    for one in slice_.contact_ids:
        dial(replace(slice_, contact_ids=(one,)), using=using)
    assert len(program.came) == 1
    for _ in range(3):
        using.ledger.write(questions.note_no_answer, slice_.campaign_id, "it answered 500", using.clock())
    with using.ledger.reading() as db:
        assert questions.unanswered(db, slice_.campaign_id).failures == 1


def test_its_silence_may_mean_to_call_all_the_same(using, program, called):
    program.answer = lambda _event: (500, {}, b"")
    assert dial(sliced(using, program, on_error="dial"), using=using) == 3
    assert len(called) == 3


def test_its_silence_may_mean_to_call_nobody(using, program, called):
    program.answer = lambda _event: (500, {}, b"")
    slice_ = sliced(using, program, on_error="skip")
    assert dial(slice_, using=using) == 0
    assert {(row.status, row.reason) for row in rows(using, slice_)} == {
        ("withdrawn", "before_dial gave no answer (on_error: skip)")
    }


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"answer": "perhaps"},
        {"answer": "later"},
        {"answer": "later", "until": "tomorrow"},
        {"answer": "later", "until": "2026-12-01T10:00:00"},
        {"answer": ["go"]},
        {"answer": 1, "reason": {}},
    ],
    ids=str,
)
def test_one_about_whom_nothing_is_said_is_asked_about_again_and_keeps_nobody_waiting(using, program, called, answer):
    slice_ = sliced(using, program, 2)
    first, second = slice_.contact_ids
    program.answer = says({"id": first, "answer": "go"}, {"id": second} | answer, {"id": 10**12, "answer": "go"}, {})
    assert dial(slice_, using=using) == 1
    row = contact(using.ledger, second)
    assert (row.status, row.tries, row.reason) == ("pending", 0, "before_dial gave no answer about it")
    assert row.due_at > using.clock()


def test_a_reason_is_bounded_and_far_moments_too(using, program):
    slice_ = sliced(using, program, 2)
    first, second = slice_.contact_ids
    program.answer = says(
        {"id": first, "answer": "skip", "reason": "no\x00\n" + "x" * 5000},
        {"id": second, "answer": "later", "until": "9999-12-31T23:59:59Z"},
    )
    assert dial(slice_, using=using) == 0
    skipped, later = rows(using, slice_)
    assert len(skipped.reason) <= 220
    assert "\n" not in skipped.reason
    assert later.due_at - using.clock() <= timedelta(days=30)


def test_whoever_is_withdrawn_while_the_program_thinks_is_not_called(using, program, called):
    slice_ = sliced(using, program, 1)
    (one,) = slice_.contact_ids

    def withdraw(_event: Event) -> Told:
        of_contact = contacts.c.id == one
        using.ledger.write(end_waiting, ContactStatus.WITHDRAWN, of_contact, reason="they called", now=using.clock())
        return 204, {}, b""

    program.answer = withdraw
    assert dial(slice_, using=using) == 0
    assert called == []
    assert contact(using.ledger, one).status == "withdrawn"


def test_an_address_inside_our_own_network_is_not_asked(using, program, called):
    with start_blocking_portal() as loop:
        strict = SignedPosts(loop, key=KEY)
        slice_ = sliced(using, program, 1)
        try:
            assert dial(slice_, using=replace(using, posts=strict)) == 0
        finally:
            loop.call(strict.aclose)
    assert program.came == []
    with using.ledger.reading() as db:
        assert "inside our own network" in questions.unanswered(db, slice_.campaign_id).words


def test_a_campaign_without_it_asks_nobody(using, program, called):
    campaign_id = seed(using.ledger, numbers(2), now=using.clock())
    assert dial(claimed(using, campaign_id, 2), using=using) == 2
    assert program.came == []


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"url": "example.org"}, "no address"),
        ({"url": "https://ann:secret@example.org/"}, "password"),
        ({"url": "https://example.org/", "timeout": "9s"}, "too long"),
        ({"url": "https://example.org/", "on_error": "wait"}, "'hold', 'dial' or 'skip'"),
        ({}, "Field required"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_the_file(asked, what):
    with pytest.raises(ValueError, match=what):
        definition(before_dial=asked)


def test_a_secret_is_rotated_with_an_overlap_in_which_both_sign(using, program, called):
    def verified_by(salts: list[str]) -> list[bool]:
        slice_ = sliced(using, program, 1)
        assert dial(slice_, using=using) == 1
        question = program.came[-1]
        return [is_signed(question, secret_of(KEY, salt)) for salt in salts]

    first = question_salt(program.url)
    facts = {"who": "ann", "now": using.clock()}
    until = rotate_question_secret(using.ledger, program.url, overlap=timedelta(hours=1), **facts)
    second, kept = question_salts(using.ledger, program.url, now=using.clock())
    assert (kept, until > using.clock()) == (first, True)
    assert verified_by([first, second]) == [True, True]
    rotate_question_secret(using.ledger, program.url, overlap=timedelta(0), **facts)
    (third,) = question_salts(using.ledger, program.url, now=using.clock())
    assert verified_by([first, second, third]) == [False, False, True]


def is_signed(question: Event, secret: str) -> bool:
    try:
        Webhook(secret).verify(question.body, question.headers)
    except WebhookVerificationError:
        return False
    return True
