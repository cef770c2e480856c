"""Delivers events: at least once, those about the same contact in their order, until the webhook has taken them.

What waits, and who delivers it, stands in the ledger. A task that is lost leaves a lease that ends; a task that is cut
off sends again what it could not note as sent, under the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from campaigns.ledger import deliveries, webhooks
from campaigns.ledger.deliveries import Delivery
from campaigns.ledger.webhooks import Webhook
from campaigns.lifecycle import PROGRAM, DeliveryState, EventKind, WebhookState
from campaigns.operations.webhooks.bodies import body_of
from campaigns.runtime import Runtime
from dialer.deadline import Deadline
from dialer.http import HttpReply
from dialer.log import get_logger
from dialer.retry import doubled
from dialer.transport.signed_posts import Message, NoAnswer

log = get_logger()
LEASE_MARGIN = 10.0  # seconds of a lease beside those of three requests that are not answered in time
AT_ONCE = 50
PROBES = 2  # while it fails: one event that it will not take must not keep it from being asked for another
FIRST_WAIT, LONGEST_WAIT = 10.0, 3 * 3600.0  # seconds: doubled from one try to the next
GIVEN_UP_AFTER = timedelta(hours=24)
MOST_TRIES = 18  # of one event that is refused while others are taken: those take a day too
MOST_ASKED_TO_WAIT = 3600.0
GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The right to deliver to one webhook, until its lease ends."""

    webhook: str
    lease: UUID


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a webhook said of one event: its status, or none; how long it asks us to wait."""

    event: Delivery
    status: int | None
    words: str
    wait: float = 0.0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def claim(*, using: Runtime) -> list[Ticket]:
    """A ticket for each webhook that has something to be sent."""
    now = using.clock()
    with using.ledger.reading() as db:
        if not webhooks.any_due(db, now):
            return []
    lease, names = using.ledger.write(webhooks.claim, now, now + _lease(using))
    return [Ticket(webhook=name, lease=lease) for name in names]


def _lease(using: Runtime) -> timedelta:
    return timedelta(seconds=3 * using.post_timeout + LEASE_MARGIN)


def deliver(ticket: Ticket, *, using: Runtime) -> int:
    """Deliver what waits for a webhook, as long as it takes it; returns how many events it has taken."""
    taken = 0
    while not using.stopping():
        answers = _deliver_some(ticket, using)
        taken += sum(answer.is_taken for answer in answers)
        if not answers or not any(answer.is_taken for answer in answers):
            break
    using.ledger.write(webhooks.keep, ticket.webhook, ticket.lease, lease=None, lease_until=None)
    return taken


def _deliver_some(ticket: Ticket, using: Runtime) -> Sequence[_Answer]:
    """One round: the first event that waits of each contact, all at once; nothing where the ticket is not good."""
    now = using.clock()
    if not using.ledger.write(webhooks.keep, ticket.webhook, ticket.lease, lease_until=now + _lease(using)):
        return ()
    with using.ledger.reading() as db:
        webhook = webhooks.leased(db, ticket.webhook, ticket.lease)
        if webhook is None or using.posts is None:
            return ()
        fails = webhook.failing_since is not None
        events = deliveries.heads(db, webhook.name, now, PROBES if fails else AT_ONCE, fresh_first=fails)
    if not events:
        return ()
    send_by = now + _lease(using) - 2 * timedelta(seconds=using.post_timeout)
    deadline = Deadline(send_by, wall=using.clock)
    requests = [(event, _begin(event, webhook, deadline, now, using)) for event in events]
    answers = [_answer(event, request) for event, request in requests]
    using.ledger.write(_note, ticket, webhook, answers, using)
    _log(webhook, answers)
    return answers


def _begin(event: Delivery, webhook: Webhook, deadline: Deadline, now: datetime, using: Runtime) -> Future[HttpReply]:
    assert using.posts is not None  # noqa: S101
    body = body_of(event, webhook.include)
    message = Message(id=event.event_id, url=webhook.url, body=body, salts=webhook.salts(now))
    return using.posts.begin(message, now=now, timeout=using.post_timeout, deadline=deadline)


def _answer(event: Delivery, request: Future[HttpReply]) -> _Answer:
    try:
        reply = request.result()
    except NoAnswer as exc:
        return _Answer(event, None, exc.message)
    asked = reply.headers.get("retry-after", "")
    wait = min(float(asked), MOST_ASKED_TO_WAIT) if asked.isascii() and asked.isdecimal() else 0.0
    return _Answer(event, reply.status, f"it answered {reply.status}", wait)


def _note(db: Connection, ticket: Ticket, webhook: Webhook, answers: Sequence[_Answer], using: Runtime) -> None:
    """Write what became of a round: in one transaction, so that its figures are those of its events."""
    now = using.clock()
    taken = [answer for answer in answers if answer.is_taken]
    refused = [answer for answer in answers if not answer.is_taken]
    if taken:
        deliveries.delivered(db, [answer.event.id for answer in taken], taken[0].words)
    later = {answer.event.id: _later(answer, now, using) for answer in refused}
    if later:
        deliveries.put_off(db, later)
    if taken:
        facts: dict[str, Any] = {"failing_since": None, "failures": 0}
    else:
        wait = max([_wait(webhook.failures + 1, using), *(answer.wait for answer in refused)])
        facts = webhooks.as_failing(webhook, now, timedelta(seconds=wait))
    still_ours = webhooks.count(
        db,
        ticket.webhook,
        ticket.lease,
        delivered=len(taken),
        refused=len(refused),
        given_up=sum(state is DeliveryState.FAILED for *_, state in later.values()),
        last_answer=(refused or taken)[-1].words,
        **facts,
    )
    if not still_ours:
        return
    if any(answer.status == GONE for answer in refused):
        _stop(db, webhook, WebhookState.ENDED, "its address answered 410: it wants no more events", now)
        deliveries.give_up_all(db, webhook.name, "the webhook has ended")
    elif not taken and now - (webhook.failing_since or now) >= GIVEN_UP_AFTER:
        reason = f"nothing could be delivered for 24 hours; last: {refused[-1].words}"
        _stop(db, webhook, WebhookState.PAUSED, reason, now)


def _later(answer: _Answer, now: datetime, using: Runtime) -> tuple[datetime, str, DeliveryState]:
    tries = answer.event.tries + 1
    wait = max(answer.wait, _wait(tries, using))
    state = DeliveryState.FAILED if tries >= MOST_TRIES else DeliveryState.PENDING
    return now + timedelta(seconds=wait), answer.words, state


def _wait(times: int, using: Runtime) -> float:
    return doubled(FIRST_WAIT, times, LONGEST_WAIT) * (0.75 + using.rng.random() / 2)


def _stop(db: Connection, webhook: Webhook, to: WebhookState, reason: str, now: datetime) -> None:
    """Deliver nothing more to it, and tell the others."""
    if webhooks.move(db, webhook.name, to, now, who=PROGRAM, reason=reason):
        facts = {"webhook": webhook.name, "state": to.value}
        name = f"webhook {webhook.name}"
        deliveries.alert(db, EventKind.ALERT_WEBHOOK, now, subject=name, facts=facts, reason=reason, but=webhook.name)


def _log(webhook: Webhook, answers: Sequence[_Answer]) -> None:
    refused = [answer for answer in answers if not answer.is_taken]
    if refused:
        log.warning(
            "events not delivered",
            webhook=webhook.name,
            events=len(refused),
            delivered=len(answers) - len(refused),
            why=refused[0].words,
        )
