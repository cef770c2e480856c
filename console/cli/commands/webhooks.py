"""`dialer webhooks`: programs of others that are told what happens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.calendar.times import BadMoment, parse_moment
from campaigns.lifecycle import DeliveryState, Included, WebhookState
from campaigns.operations.webhooks import subscriptions
from campaigns.operations.webhooks.subscriptions import ListedWebhook
from console.cli.arguments import BadArgument
from console.cli.command_group import CommandGroup
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import local_time, local_with_zone, out, print_json, print_note, print_prose, table
from console.cli.views.webhooks import webhook_trouble
from dialer.internal_networks import networks
from dialer.outside_url import public_part
from dialer.plural import counted
from dialer.signing import secret_of
from workers.clock import now_utc
from workers.secrets import webhook_key

webhooks_app = typer.Typer(
    cls=CommandGroup, help="Programs of others that are told what happens.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="The webhook's name.", metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
DEFAULT_KINDS = ["contact.finished", "campaign.*", "alert.*"]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(webhooks_app, name="webhooks")


@webhooks_app.command("add", short_help="Tell an address what happens, and print its secret.")
def add_command(
    name: Name,
    url: Annotated[str, typer.Argument(help="Where events are sent: https://…", metavar="URL")],
    event: Annotated[
        list[str] | None,
        typer.Option(help="A kind of event, or a level: attempt.*. Absent, all but attempt.finished."),
    ] = None,
    include: Annotated[
        list[Included] | None, typer.Option(help="What of a person events name. Absent, neither number nor text.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell an address what happens from now on, and print the secret by which it verifies that it is told by us."""
    kinds = subscriptions.kinds_named(event or DEFAULT_KINDS)
    with settings_and_ledger() as (settings, ledger):
        added = subscriptions.add(
            ledger,
            name,
            url,
            kinds=kinds,
            include=include or (),
            allowed=networks(settings.webhooks.internal_networks),
            who=user_name(),
            now=now_utc(),
        )
    secret = secret_of(webhook_key(settings), added.salt)
    if url.startswith("http:"):
        print_note("events go there unencrypted: use an https address where others may listen")
    if as_json:
        print_json({"webhook": name, "url": url, "events": kinds, "include": sorted(added.include), "secret": secret})
        return
    out.print(f"[bold]{name}[/] is told of {', '.join(kinds)}.")
    out.print(f"Its secret, which is not shown again: {secret}")
    print_prose(f"To see whether it answers: dialer webhooks test {name}")


@webhooks_app.command("list", short_help="Say what each is told of, and whether it answers.")
def list_command(as_json: AsJson = False) -> None:
    """Say what each webhook is told of, what waits for it, and whether it answers."""
    with settings_and_ledger() as (_, ledger):
        listed = subscriptions.listed(ledger)
    if as_json:
        print_json([_facts(one) for one in listed])
    elif not listed:
        out.print("Nobody is told what happens. Add a webhook with `dialer webhooks add`.")
    else:
        shown = table("webhook", "state", ">waiting", ">delivered", "address")
        for one in listed:
            webhook = one.webhook
            shown.add_row(
                webhook.name, _state(one), one.backlog.waiting, webhook.delivered, escape(public_part(webhook.url))
            )
        out.print(shown)
        for one in listed:
            if sentence := webhook_trouble(one.webhook):
                print_note(sentence)


def _state(listed: ListedWebhook) -> str:
    failing = listed.webhook.state is WebhookState.ACTIVE and listed.webhook.failing_since
    return "failing" if failing else listed.webhook.state.value


def _facts(listed: ListedWebhook) -> dict[str, Any]:
    webhook = listed.webhook
    return {
        "webhook": webhook.name,
        "url": webhook.url,
        "events": webhook.kinds,
        "include": sorted(webhook.include),
        "state": webhook.state,
        "reason": webhook.reason,
        "since": webhook.since,
        "failing_since": webhook.failing_since,
        "next_at": webhook.next_at if webhook.failing_since else None,
        "last_answer": webhook.last_answer or None,
        "waiting": listed.backlog.waiting,
        "oldest_waiting": listed.backlog.oldest,
        "delivered": webhook.delivered,
        "refused": webhook.refused,
        "given_up": webhook.given_up,
        "old_secret_until": webhook.old_until,
    }


@webhooks_app.command("test", short_help="Send an event that says nothing, and print the answer.")
def send_test_command(name: Name, as_json: AsJson = False) -> None:
    """Send an event of the kind webhook.test at once, and print what is answered."""
    with settings_and_ledger() as (settings, ledger):
        webhook = subscriptions.by_name(ledger, name)
    from workers.wiring import open_posts  # it brings every provider with it

    with open_posts(settings) as posts:
        status = subscriptions.test(webhook, posts, who=user_name(), now=now_utc(), timeout=settings.webhooks.timeout)
    taken = 200 <= status < 300
    if as_json:
        print_json({"webhook": name, "status": status, "taken": taken})
    else:
        out.print(f"[bold]{name}[/] answered {status}: {'it takes events' if taken else 'it does not take events'}.")
    if not taken:
        raise typer.Exit(1)


@webhooks_app.command("deliveries", short_help="List the newest events of a webhook.")
def deliveries_command(
    name: Name,
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest events of a webhook, the newest first, each with what was answered last."""
    with settings_and_ledger() as (_, ledger):
        events = subscriptions.events_of(ledger, name, state=state, limit=limit)
    if as_json:
        print_json(events)
    elif not events:
        out.print("There are none.")
    else:
        shown = table("event", "kind", "at", "state", ">tries", "answer")
        for event in events:
            again = f"; again at {local_time(event.next_at)}" if event.next_at and event.tries else ""
            answer = escape(event.answer or "") + again
            shown.add_row(event.event_id, event.kind, local_time(event.at), event.state, event.tries, answer)
        out.print(shown)


@webhooks_app.command("replay", short_help="Send events again, under the ids they have had.")
def replay_command(
    name: Name,
    events: Annotated[list[str] | None, typer.Argument(help="Ids of events: evt_….", metavar="EVENT")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that were given up.")] = False,
    since: Annotated[str | None, typer.Option(help="All since then: 2026-12-01T09:00+01:00.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send events again that were delivered or given up, under the ids that they have had, in their order."""
    moment = _moment(since)
    with settings_and_ledger() as (_, ledger):
        again = subscriptions.replay(
            ledger, name, event_ids=events or (), since=moment, only_failed=failed, who=user_name(), now=now_utc()
        )
    if as_json:
        print_json({"webhook": name, "events": again})
    else:
        out.print(f"{counted(again, 'event')} will be sent again to [bold]{name}[/].")


def _moment(written: str | None) -> datetime | None:
    try:
        moment = parse_moment(written) if written else None
    except BadMoment as exc:
        raise BadArgument(f"--since: {exc}", exc.suggestion) from None
    return moment if moment is None or moment.tzinfo else moment.astimezone()


Overlap = Annotated[float, typer.Option("--overlap-hours", min=0, max=720, help="For so long the old one signs too.")]


@webhooks_app.command("rotate", short_help="Give a webhook a new secret, and print it.")
def rotate_command(name: Name, overlap: Overlap = 24.0, as_json: AsJson = False) -> None:
    """Give a webhook a new secret. Events carry a signature by the old one too, until the overlap is over."""
    with settings_and_ledger() as (settings, ledger):
        rotated = subscriptions.rotate(ledger, name, overlap=timedelta(hours=overlap), who=user_name(), now=now_utc())
    secret = secret_of(webhook_key(settings), rotated.salt)
    if as_json:
        print_json({"webhook": name, "secret": secret, "old_secret_until": rotated.old_until})
    else:
        out.print(f"Its new secret, which is not shown again: {secret}")
        out.print(f"The old one is good until {local_with_zone(rotated.old_until)}.")


@webhooks_app.command("secret", short_help="Print the secret of questions before dialing.")
def secret_command(
    url: Annotated[str, typer.Argument(help="The address in before_dial.", metavar="URL")],
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new one first.")] = False,
    overlap: Overlap = 24.0,
    as_json: AsJson = False,
) -> None:
    """Print the secret by which a program verifies that it is asked before dialing by us."""
    now, until = now_utc(), None
    with settings_and_ledger() as (settings, ledger):
        if rotate:
            until = subscriptions.rotate_question_secret(
                ledger, url, overlap=timedelta(hours=overlap), who=user_name(), now=now
            )
        salt, *_ = subscriptions.question_salts(ledger, url, now=now)
    secret = secret_of(webhook_key(settings), salt)
    if as_json:
        print_json({"url": url, "secret": secret, "old_secret_until": until})
        return
    out.print(secret)
    if until is not None:
        print_note(f"the old one is good until {local_with_zone(until)}")


@webhooks_app.command("pause", short_help="Send nothing to it for now.")
def pause_command(name: Name, as_json: AsJson = False) -> None:
    """Send nothing to it for now: its events wait, for 30 days at most."""
    with settings_and_ledger() as (_, ledger):
        subscriptions.pause(ledger, name, who=user_name(), now=now_utc())
    _print_state(name, WebhookState.PAUSED, as_json)


@webhooks_app.command("resume")
def resume_command(name: Name, as_json: AsJson = False) -> None:
    """Send to it again, what has waited first."""
    with settings_and_ledger() as (_, ledger):
        subscriptions.resume(ledger, name, who=user_name(), now=now_utc())
    _print_state(name, WebhookState.ACTIVE, as_json)


@webhooks_app.command("remove")
def remove_command(name: Name, as_json: AsJson = False) -> None:
    """Tell it nothing more; what waits for it is lost."""
    with settings_and_ledger() as (_, ledger):
        lost = subscriptions.remove(ledger, name, who=user_name(), now=now_utc())
    if as_json:
        print_json({"webhook": name, "removed": True, "lost": lost})
    else:
        out.print(f"[bold]{name}[/] is told nothing more; {counted(lost, 'event')} that waited will not be sent.")


def _print_state(name: str, state: WebhookState, as_json: bool) -> None:
    if as_json:
        print_json({"webhook": name, "state": state})
    else:
        out.print(f"[bold]{name}[/] is {state}.")
