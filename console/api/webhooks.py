"""Webhooks: programs of others that are told what happens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from campaigns.ledger.webhooks import Webhook
from campaigns.lifecycle import DeliveryState, EventKind, Included, WebhookState
from campaigns.operations.api_tokens import Scope
from campaigns.operations.webhooks import subscriptions
from campaigns.operations.webhooks.subscriptions import ListedWebhook
from console.server.api_route import NO_NUL, InjectedCaller, api_router, needs
from console.server.cursors import After, Limit, Page, id_after, page_of
from console.server.moments import Moment
from console.server.state import AppState, InjectedState
from dialer.internal_networks import networks
from dialer.outside_url import public_part
from dialer.signing import secret_of
from workers.secrets import webhook_key
from workers.wiring import open_posts

router = api_router("webhooks")

EventId = Annotated[str, Field(max_length=100, pattern=NO_NUL)]


class WebhookSummary(BaseModel):
    """A webhook, and what waits for it; the names are those of `dialer webhooks list --json`."""

    webhook: str
    url: str = Field(description="Without what comes after a question mark.")
    events: list[EventKind]
    include: list[Included]
    state: WebhookState
    reason: str
    since: datetime
    failing_since: datetime | None
    next_at: datetime | None
    last_answer: str | None
    waiting: int
    oldest_waiting: datetime | None
    delivered: int
    refused: int
    given_up: int
    old_secret_until: datetime | None


class Webhooks(BaseModel):
    """All webhooks, by name."""

    items: list[WebhookSummary]


class NewWebhook(BaseModel):
    """An address that is to be told what happens."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=60)
    url: str = Field(max_length=2000)
    events: list[str] = Field(
        ["contact.finished", "campaign.*", "alert.*"], max_length=50, description="Kinds of events, or campaign.*"
    )
    include: list[Included] = Field([], max_length=5, description="What of a person events name; needs `numbers`, too.")


class WebhookSecret(BaseModel):
    """The secret by which a webhook verifies that it is told by us."""

    webhook: str
    secret: str = Field(description="Shown this once.")
    old_secret_until: datetime | None = Field(description="For so long the one before signs, too.")


class Rotation(BaseModel):
    """For how long the old secret signs, too."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(24.0, ge=0, le=720, allow_inf_nan=False)


class WebhookAnswer(BaseModel):
    """What a webhook answered."""

    webhook: str
    status: int
    taken: bool


class WebhookMoved(BaseModel):
    """How a webhook stands now."""

    webhook: str
    state: WebhookState


class WebhookRemoved(BaseModel):
    """What was lost with a webhook."""

    webhook: str
    lost: int = Field(description="Events that waited.")


class Replay(BaseModel):
    """Which events are sent again, under the ids that they have had."""

    model_config = ConfigDict(extra="forbid")

    events: list[EventId] = Field([], max_length=1000, description="Their ids: evt_…")
    failed: bool = Field(False, description="All that were given up.")
    since: Moment | None = None


class Replayed(BaseModel):
    """How many events are sent again."""

    webhook: str
    events: int


class WebhookDelivery(BaseModel):
    """One event for one webhook."""

    model_config = ConfigDict(from_attributes=True)

    event_id: str
    kind: str
    campaign: str
    contact_id: int | None
    at: datetime
    state: DeliveryState
    tries: int
    next_at: datetime | None
    answer: str | None


@router.get("/webhooks", **needs(Scope.ADMIN))
def list_webhooks(state: InjectedState) -> Webhooks:
    """What each is told of, what waits for it, and whether it answers."""
    return Webhooks(items=[_summary(listed) for listed in subscriptions.listed(state.ledger)])


@router.post("/webhooks", **needs(Scope.ADMIN, status=201))
def add_webhook(given: NewWebhook, state: InjectedState, caller: InjectedCaller) -> WebhookSecret:
    """Tell an address what happens from now on."""
    if given.include:
        caller.require(Scope.NUMBERS)
    added = subscriptions.add(
        state.ledger,
        given.name,
        given.url,
        kinds=subscriptions.kinds_named(given.events),
        include=given.include,
        allowed=networks(state.settings.webhooks.internal_networks),
        who=caller.name,
        now=state.clock(),
    )
    return _secret(added, state)


@router.delete("/webhooks/{name}", **needs(Scope.ADMIN))
def remove_webhook(name: str, state: InjectedState, caller: InjectedCaller) -> WebhookRemoved:
    """Tell it nothing more; what waits for it is lost."""
    return WebhookRemoved(webhook=name, lost=subscriptions.remove(state.ledger, name, **_by(caller.name, state)))


@router.post("/webhooks/{name}/test", **needs(Scope.ADMIN))
def send_test_event(name: str, state: InjectedState, caller: InjectedCaller) -> WebhookAnswer:
    """Send an event of the kind webhook.test at once. 502 when nothing answers."""
    webhook = subscriptions.by_name(state.ledger, name)
    with open_posts(state.settings) as posts:
        timeout = state.settings.webhooks.timeout
        status = subscriptions.test(webhook, posts, timeout=timeout, **_by(caller.name, state))
    return WebhookAnswer(webhook=webhook.name, status=status, taken=200 <= status < 300)


@router.post("/webhooks/{name}/rotate", **needs(Scope.ADMIN))
def rotate_webhook(
    name: str, state: InjectedState, caller: InjectedCaller, given: Rotation | None = None
) -> WebhookSecret:
    """Give a webhook a new secret; events carry a signature by the old one, too, until the overlap is over."""
    overlap = timedelta(hours=(given or Rotation()).overlap_hours)
    return _secret(subscriptions.rotate(state.ledger, name, overlap=overlap, **_by(caller.name, state)), state)


@router.post("/webhooks/{name}/pause", **needs(Scope.ADMIN))
def pause_webhook(name: str, state: InjectedState, caller: InjectedCaller) -> WebhookMoved:
    """Send nothing to it for now: its events wait, for 30 days at the most."""
    return _moved(subscriptions.pause(state.ledger, name, **_by(caller.name, state)))


@router.post("/webhooks/{name}/resume", **needs(Scope.ADMIN))
def resume_webhook(name: str, state: InjectedState, caller: InjectedCaller) -> WebhookMoved:
    """Send to it again, what has waited first."""
    return _moved(subscriptions.resume(state.ledger, name, **_by(caller.name, state)))


@router.get("/webhooks/{name}/deliveries", **needs(Scope.ADMIN))
def list_deliveries(
    name: str,
    state: InjectedState,
    delivery_state: DeliveryState | None = Query(None, alias="state", description="Those in this state."),
    limit: Limit = 50,
    after: After = None,
) -> Page[WebhookDelivery]:
    """The events of a webhook, the newest first, each with what was answered last."""
    events = subscriptions.events_of(state.ledger, name, state=delivery_state, limit=limit + 1, after=id_after(after))
    return page_of(events, limit, WebhookDelivery.model_validate, lambda event: (event.id,))


@router.post("/webhooks/{name}/replay", **needs(Scope.ADMIN))
def replay_events(name: str, given: Replay, state: InjectedState, caller: InjectedCaller) -> Replayed:
    """Send events again that were delivered or given up, in their order."""
    count = subscriptions.replay(
        state.ledger,
        name,
        event_ids=given.events,
        since=given.since,
        only_failed=given.failed,
        **_by(caller.name, state),
    )
    return Replayed(webhook=name, events=count)


def _by(who: str, state: AppState) -> dict[str, Any]:
    return {"who": who, "now": state.clock()}


def _summary(listed: ListedWebhook) -> WebhookSummary:
    webhook = listed.webhook
    return WebhookSummary(
        webhook=webhook.name,
        url=public_part(webhook.url),
        events=list(webhook.kinds),
        include=sorted(webhook.include),
        state=webhook.state,
        reason=webhook.reason,
        since=webhook.since,
        failing_since=webhook.failing_since,
        next_at=webhook.next_at if webhook.failing_since else None,
        last_answer=webhook.last_answer or None,
        waiting=listed.backlog.waiting,
        oldest_waiting=listed.backlog.oldest,
        delivered=webhook.delivered,
        refused=webhook.refused,
        given_up=webhook.given_up,
        old_secret_until=webhook.old_until,
    )


def _moved(webhook: Webhook) -> WebhookMoved:
    return WebhookMoved(webhook=webhook.name, state=webhook.state)


def _secret(webhook: Webhook, state: AppState) -> WebhookSecret:
    secret = secret_of(webhook_key(state.settings), webhook.salt)
    return WebhookSecret(webhook=webhook.name, secret=secret, old_secret_until=webhook.old_until)
