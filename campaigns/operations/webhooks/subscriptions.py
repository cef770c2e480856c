"""What people do with webhooks: add, list, test, rotate, pause, resume, replay and remove them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from campaigns.ledger import deliveries, questions, webhooks
from campaigns.ledger.deliveries import Backlog, ListedDelivery
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from campaigns.ledger.webhooks import Webhook
from campaigns.lifecycle import DeliveryState, EventKind, Included, WebhookState
from dialer.errors import DialerError
from dialer.internal_networks import Network
from dialer.outside_url import check_form, check_outside_url
from dialer.transport.signed_posts import Message, SignedPosts, message_body

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}")
LONGEST_OVERLAP = timedelta(days=30)
NOTHING_WAITS = Backlog(waiting=0, oldest=None)
TEST_KIND = "webhook.test"


class BadWebhook(DialerError):
    """What was asked for is no webhook, or not possible with this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedWebhook:
    """A webhook, and what waits for it."""

    webhook: Webhook
    backlog: Backlog


def kinds_named(written: Collection[str]) -> list[EventKind]:
    """The kinds of events that these words name: `contact.finished`, `campaign.*`. Raises BadWebhook."""
    named: set[EventKind] = set()
    for word in written:
        level = word.removesuffix("*") if word.endswith(".*") else None
        matching = {kind for kind in EventKind if kind == word or (level and kind.startswith(level))}
        if not matching:
            raise BadWebhook(f"there is no event {word[:60]!r}", f"there are: {', '.join(EventKind)}, or campaign.*")
        named |= matching
    return [kind for kind in EventKind if kind in named]


def add(
    ledger: Ledger,
    name: str,
    url: str,
    *,
    kinds: Sequence[EventKind],
    include: Collection[Included] = (),
    allowed: Collection[Network] = (),
    who: str,
    now: datetime,
) -> Webhook:
    """Tell this address of these kinds of events from now on. Raises BadWebhook, BadOutsideUrl."""
    if not NAME.fullmatch(name):
        raise BadWebhook(f"{name[:60]!r} is no name for a webhook", "write letters, digits and dashes, at most 60")
    if not kinds:
        raise BadWebhook("it would be told of nothing", "name at least one kind of event: --event contact.finished")
    check_outside_url(url, allowed)
    added = ledger.write(webhooks.add, name, url, kinds, include, who=who, now=now)
    if added is None:
        raise BadWebhook(f"there is a webhook {name} already", f"remove it first: dialer webhooks remove {name}")
    return added


def listed(ledger: Ledger) -> list[ListedWebhook]:
    """Every webhook, by name."""
    with ledger.reading() as db:
        waiting = deliveries.backlogs(db)
        return [
            ListedWebhook(webhook=webhook, backlog=waiting.get(webhook.name, NOTHING_WAITS))
            for webhook in webhooks.all_webhooks(db)
        ]


def by_name(ledger: Ledger, name: str) -> Webhook:
    """A webhook. Raises NoSuchWebhook."""
    with ledger.reading() as db:
        return webhooks.webhook(db, name)


def with_backlog(ledger: Ledger, name: str) -> ListedWebhook:
    """A webhook, and what waits for it. Raises NoSuchWebhook."""
    with ledger.reading() as db:
        webhook = webhooks.webhook(db, name)
        return ListedWebhook(webhook=webhook, backlog=deliveries.backlogs(db).get(name, NOTHING_WAITS))


def test(webhook: Webhook, posts: SignedPosts, *, who: str, now: datetime, timeout: float) -> int:
    """Send an event that says nothing; the status of the answer. Raises NoAnswer."""
    body = message_body(TEST_KIND, now, {"webhook": webhook.name, "sent_by": who})
    message = Message(id=deliveries.new_event_id(), url=webhook.url, body=body, salts=webhook.salts(now))
    return posts.post(message, now=now, timeout=timeout).status


def rotate(ledger: Ledger, name: str, *, overlap: timedelta, who: str, now: datetime) -> Webhook:
    """Give a webhook a new secret; events are signed by the one before too, for so long.

    Raises NoSuchWebhook, BadWebhook.
    """
    return ledger.write(webhooks.rotate, name, old_until=now + _checked(overlap), who=who, now=now)


def _checked(overlap: timedelta) -> timedelta:
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise BadWebhook("the old secret cannot be good for so long", "write an overlap of at most 30 days: 24h")
    return overlap


def question_salts(ledger: Ledger, url: str, *, now: datetime) -> list[str]:
    """The salts of the secrets by which questions before dialing are signed for a server. Raises BadOutsideUrl."""
    check_form(url)
    with ledger.reading() as db:
        return questions.salts(db, url, now)


def rotate_question_secret(ledger: Ledger, url: str, *, overlap: timedelta, who: str, now: datetime) -> datetime:
    """Give such a server a new secret; until when the one before signs too. Raises BadWebhook, BadOutsideUrl."""
    check_form(url)
    until = now + _checked(overlap)
    ledger.write(questions.rotate_secret, url, old_until=until, who=who, now=now)
    return until


def pause(ledger: Ledger, name: str, *, who: str, now: datetime) -> Webhook:
    """Deliver nothing to it for now: its events wait. Raises NoSuchWebhook, BadWebhook."""
    return ledger.write(_move, name, WebhookState.PAUSED, who, now)


def resume(ledger: Ledger, name: str, *, who: str, now: datetime) -> Webhook:
    """Deliver to it again, what has waited first. Raises NoSuchWebhook, BadWebhook."""
    return ledger.write(_move, name, WebhookState.ACTIVE, who, now)


def _move(db: Connection, name: str, to: WebhookState, who: str, now: datetime) -> Webhook:
    before = webhooks.webhook(db, name)
    if not webhooks.move(db, name, to, now, who=who, reason=f"by {who}"):
        again = f"remove it and add it anew: dialer webhooks remove {name}"
        raise BadWebhook(f"webhook {name} is {before.state}", again if before.state is WebhookState.ENDED else "")
    if to is WebhookState.ACTIVE:
        deliveries.send_at_once(db, name, now)
    return webhooks.webhook(db, name)


def remove(ledger: Ledger, name: str, *, who: str, now: datetime) -> int:
    """Tell it nothing more; returns how many events were waiting, which are lost. Raises NoSuchWebhook."""
    return ledger.write(webhooks.remove, name, who=who, now=now)


def events_of(
    ledger: Ledger, name: str, *, state: DeliveryState | None = None, limit: int = 50, after: int | None = None
) -> list[ListedDelivery]:
    """The next `limit` events of a webhook after the row `after`, the newest first. Raises NoSuchWebhook."""
    with ledger.reading() as db:
        webhooks.webhook(db, name)
        return deliveries.listed(db, name, state=state, limit=limit, after=after)


def replay(
    ledger: Ledger,
    name: str,
    *,
    event_ids: Collection[str] = (),
    since: datetime | None = None,
    only_failed: bool = False,
    who: str,
    now: datetime,
) -> int:
    """Send events again under the ids that they have had; returns how many. Raises NoSuchWebhook, BadWebhook."""
    if not (event_ids or since or only_failed):
        raise BadWebhook("it is not said which events to send again", "name their ids, or use --failed or --since")
    which = {"event_ids": event_ids, "since": since, "only_failed": only_failed}
    return ledger.write(_replay, name, which, who, now)


def _replay(db: Connection, name: str, which: dict[str, object], who: str, now: datetime) -> int:
    if webhooks.webhook(db, name).state is WebhookState.ENDED:
        raise BadWebhook(f"webhook {name} has ended", f"remove it and add it anew: dialer webhooks remove {name}")
    again = deliveries.replay(db, name, now, **which)  # type: ignore[arg-type]
    write_audit(db, now, who=who, event="webhook replayed", detail=f"{name}: {again} events")
    return again
