"""The pages of webhooks: programs of others that are told what happens, and what became of each event."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.ledger.webhooks import NoSuchWebhook, Webhook
from campaigns.lifecycle import DeliveryState, EventKind, Included, WebhookState
from campaigns.operations.people import Role
from campaigns.operations.webhooks import subscriptions
from campaigns.operations.webhooks.subscriptions import BadWebhook
from console.pages.language import gettext, ngettext
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.cursors import After, id_after, page_of
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.internal_networks import networks
from dialer.outside_url import BadOutsideUrl, public_part
from dialer.signing import secret_of
from dialer.transport.signed_posts import NoAnswer
from workers.secrets import webhook_key
from workers.wiring import open_posts

EVENTS_SHOWN = 50
REFRESH_SECONDS = 5
USUAL_KINDS = [kind for kind in EventKind if kind is not EventKind.ATTEMPT_FINISHED]

router = page_router()

Text = Annotated[str, Form(max_length=2000)]
Done = Annotated[str | None, Query(max_length=20)]


@router.get("/webhooks", **for_role(Role.ADMIN))
def show_webhooks(request: Request, state: InjectedState, done: Done = None) -> str:
    """Every webhook and how it stands, and the form that adds one."""
    return _list_page(request, state, notice=_notice(done))


@router.post("/webhooks", **for_role(Role.ADMIN))
def add_webhook(
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    name: Text = "",
    url: Text = "",
    events: Annotated[list[str], Form()] = [],  # noqa: B006  # FastAPI copies it
    include: Annotated[list[Included], Form()] = [],  # noqa: B006
) -> Response:
    """Tell an address what happens from now on, and show its secret this once; or say what is wrong, at its field."""
    name, url = name.strip(), url.strip()
    try:
        added = subscriptions.add(
            state.ledger,
            name,
            url,
            kinds=subscriptions.kinds_named(events),
            include=include,
            allowed=networks(state.settings.webhooks.internal_networks),
            **_by(person.name, state),
        )
    except BadOutsideUrl as exc:
        faults = {"url": with_remedy(exc.message, exc.remedy)}
    except BadWebhook as exc:
        words = with_remedy(exc.message, exc.remedy)
        faults = {"name": words} if events else {"events": gettext("tick at least one")}
    else:
        return HTMLResponse(_secret_page(request, state, added))
    typed = {"name": name, "url": url, "events": events, "include": include}
    return HTMLResponse(_list_page(request, state, typed=typed, faults=faults), 422)


@router.get("/webhooks/{name}", **for_role(Role.ADMIN))
def show_webhook(
    name: str,
    request: Request,
    state: InjectedState,
    state_wanted: Annotated[DeliveryState | None, Query(alias="state")] = None,
    after: After = None,
    done: Done = None,
    count: Annotated[int, Query(ge=0)] = 0,
) -> str:
    """One webhook: how it stands, what can be done with it, and its events, the newest first."""
    return _webhook_page(request, state, name, state_wanted, after, _notice(done, count))


@router.post("/webhooks/{name}/test", **for_role(Role.ADMIN))
def send_test_event(name: str, request: Request, state: InjectedState, person: InjectedPerson) -> str:
    """Send an event that says nothing, at once, and show what was answered."""
    webhook = subscriptions.by_name(state.ledger, name)
    with open_posts(state.settings) as posts:
        try:
            status = subscriptions.test(
                webhook, posts, timeout=state.settings.webhooks.timeout, **_by(person.name, state)
            )
        except NoAnswer as exc:
            return _webhook_page(request, state, name, fault=with_remedy(exc.message, exc.remedy))
    if 200 <= status < 300:
        notice = gettext("It answered {status}: it takes events.").format(status=status)
        return _webhook_page(request, state, name, notice=notice)
    fault = gettext("It answered {status}: it does not take events.").format(status=status)
    return _webhook_page(request, state, name, fault=fault)


@router.post("/webhooks/{name}/pause", **for_role(Role.ADMIN))
def pause_webhook(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Send nothing to it for now. Pressed twice, it stays paused."""
    if subscriptions.by_name(state.ledger, name).state is not WebhookState.PAUSED:
        subscriptions.pause(state.ledger, name, **_by(person.name, state))
    return _to(name, done="paused")


@router.post("/webhooks/{name}/resume", **for_role(Role.ADMIN))
def resume_webhook(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Send to it again, what has waited first. Pressed twice, it goes on."""
    if subscriptions.by_name(state.ledger, name).state is not WebhookState.ACTIVE:
        subscriptions.resume(state.ledger, name, **_by(person.name, state))
    return _to(name, done="resumed")


@router.get("/webhooks/{name}/rotate", **for_role(Role.ADMIN))
def confirm_rotation(name: str, request: Request, state: InjectedState) -> str:
    """What a new secret means, and for how long the old one is to sign, too."""
    return render("webhook-rotate.html", request, webhook=subscriptions.by_name(state.ledger, name), every=None)


@router.post("/webhooks/{name}/rotate", **for_role(Role.ADMIN))
def rotate_webhook(
    name: str,
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    hours: Annotated[float, Form(ge=0, le=720, allow_inf_nan=False)] = 24.0,
) -> str:
    """Give it a new secret, shown this once; the old one signs, too, for so many hours."""
    overlap = timedelta(hours=hours)
    rotated = subscriptions.rotate(state.ledger, name, overlap=overlap, **_by(person.name, state))
    return _secret_page(request, state, rotated)


@router.post("/webhooks/{name}/replay", **for_role(Role.ADMIN))
def replay_events(name: str, state: InjectedState, person: InjectedPerson, event: Text = "") -> Response:
    """Send an event again, or all that were given up; an event that is on its way already is left as it is."""
    which: dict[str, Any] = {"event_ids": [event]} if event else {"only_failed": True}
    count = subscriptions.replay(state.ledger, name, **which, **_by(person.name, state))
    return _to(name, done="replayed", count=count)


@router.get("/webhooks/{name}/remove", **for_role(Role.ADMIN))
def confirm_removal(name: str, request: Request, state: InjectedState) -> str:
    """What is lost with a webhook, and the button that removes it."""
    listed = subscriptions.with_backlog(state.ledger, name)
    return render("webhook-remove.html", request, webhook=listed.webhook, backlog=listed.backlog, every=None)


@router.post("/webhooks/{name}/remove", **for_role(Role.ADMIN))
def remove_webhook(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Tell it nothing more. Pressed twice, it is gone all the same."""
    with suppress(NoSuchWebhook):
        subscriptions.remove(state.ledger, name, **_by(person.name, state))
    return RedirectResponse("/webhooks?done=removed", 303)


def _list_page(request: Request, state: AppState, **facts: Any) -> str:
    fresh = {"name": "", "url": "", "events": USUAL_KINDS, "include": []}
    shown = {"typed": fresh, "faults": {}, "notice": None} | facts
    return render(
        "webhooks.html",
        request,
        webhooks=subscriptions.listed(state.ledger),
        kinds=list(EventKind),
        inclusions=list(Included),
        public_part=public_part,
        every=None if shown["faults"] else REFRESH_SECONDS,
        **shown,
    )


def _webhook_page(
    request: Request,
    state: AppState,
    name: str,
    state_wanted: DeliveryState | None = None,
    after: str | None = None,
    notice: str | None = None,
    fault: str | None = None,
) -> str:
    listed = subscriptions.with_backlog(state.ledger, name)
    events = subscriptions.events_of(
        state.ledger, name, state=state_wanted, limit=EVENTS_SHOWN + 1, after=id_after(after)
    )
    page = page_of(events, EVENTS_SHOWN, lambda event: event, lambda event: (event.id,))
    filters = {"state": state_wanted} if state_wanted else {}
    return render(
        "webhook.html",
        request,
        webhook=listed.webhook,
        backlog=listed.backlog,
        address=public_part(listed.webhook.url),
        events=page.items,
        states=list(DeliveryState),
        state_wanted=state_wanted,
        newest=f"?{urlencode(filters)}" if after else None,
        older=f"?{urlencode({**filters, 'after': page.next})}" if page.next else None,
        notice=notice,
        fault=fault,
        every=REFRESH_SECONDS if request.method == "GET" and not after else None,
    )


def _secret_page(request: Request, state: AppState, webhook: Webhook) -> str:
    secret = secret_of(webhook_key(state.settings), webhook.salt)
    return render("webhook-secret.html", request, webhook=webhook, secret=secret, every=None)


def _notice(done: str | None, count: int = 0) -> str | None:
    words = {
        "paused": gettext("It is paused: its events wait."),
        "resumed": gettext("It goes on: what has waited is sent first."),
        "removed": gettext("The webhook is removed."),
        "replayed": ngettext("{count} event is sent again.", "{count} events are sent again.", count).format(
            count=count
        ),
    }
    return words.get(done or "")


def _to(name: str, **facts: object) -> Response:
    return RedirectResponse(f"/webhooks/{quote(name)}?{urlencode(facts)}", 303)


def _by(who: str, state: AppState) -> dict[str, Any]:
    return {"who": who, "now": state.clock()}
