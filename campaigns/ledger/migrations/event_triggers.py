"""The triggers that write events for webhooks, in the transaction of the move that they tell of.

A migration that makes `campaigns`, `contacts` or `attempts` anew on SQLite drops its triggers, and makes them again:
`for statement in make(op.get_bind().dialect.name, "contacts", later=LATER): op.execute(statement)`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import TextClause, text

ATTEMPT_FACTS = (
    *("number", "account", "provider", "status", "verdict", "outcome", "mnemonic", "code", "counted", "corrected"),
    *("dialing_at", "placed_at", "answered_at", "ended_at", "talk_seconds", "response", "reminder", "short", "variant"),
)
CONTACT_FACTS = ("line", "status", "corrected", "attempts", "tries", "final_at", "response")
# Columns that are younger than the first triggers.
LATER = frozenset({"response", "reminder", "short", "variant", "waits_since"})
CAMPAIGN_FACTS = ("name", "account", "status", "pause_kind", "contacts", "rejects", "started_at", "finished_at")
HOLD_FACTS = ("name", "account", "hold_kind", "held_until")
MOVED_TO = """CASE NEW.status
    WHEN 'running' THEN CASE OLD.status WHEN 'paused' THEN 'campaign.resumed' ELSE 'campaign.started' END
    ELSE 'campaign.' || NEW.status END"""
PAUSED_BY = "CASE NEW.pause_kind WHEN 'halted' THEN 'alert.halt' ELSE 'alert.' || NEW.pause_kind END"
HELD_BY = "CASE NEW.hold_kind WHEN 'day_points' THEN 'alert.day_limit' ELSE 'alert.' || NEW.hold_kind END"
EVENT_ID = {
    "sqlite": "'evt_' || lower(hex(randomblob(16)))",
    "postgresql": "'evt_' || replace(gen_random_uuid()::text, '-', '')",
}
AN_HOUR_BEFORE = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {}, '-1 hour')",
    "postgresql": "{} - interval '1 hour'",
}
NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'", "postgresql": "clock_timestamp()"}
AS_JSON = {"sqlite": "json_object", "postgresql": "json_build_object"}
DIFFERS = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """One trigger: when it fires, and what it writes. `differs` stands for a comparison that knows of nulls, `changed`
    for whether one of the columns of `of` has another value than before.
    """

    name: str
    table: str
    of: Sequence[str]
    when: str
    kind: str
    at: str
    facts: Sequence[str]
    campaign: str = "NEW.id"
    contact: str = "NULL"
    attempt: str = "NULL"
    reason: str = "NULL"
    seldom: bool = False  # of the same kind and campaign, once an hour


EVENTS = (
    _Event(
        name="event_of_attempt",
        table="attempts",
        of=("status", "outcome", "response", "ended_at"),
        when="NEW.ended_at IS NOT NULL AND ({changed})",
        kind="'attempt.finished'",
        at="NEW.ended_at",
        facts=ATTEMPT_FACTS,
        campaign="NEW.campaign_id",
        contact="NEW.contact_id",
        attempt="NEW.id",
    ),
    _Event(
        name="event_of_contact",
        table="contacts",
        of=("status", "response", "final_at"),
        when="NEW.final_at IS NOT NULL AND ({changed})",
        kind="'contact.finished'",
        at="NEW.final_at",
        facts=CONTACT_FACTS,
        campaign="NEW.campaign_id",
        contact="NEW.id",
    ),
    _Event(
        name="event_of_campaign",
        table="campaigns",
        of=("status",),
        when="OLD.status <> NEW.status AND NEW.status IN ('running', 'paused', 'finished', 'cancelled')",
        kind=MOVED_TO,
        at="NEW.since",
        facts=CAMPAIGN_FACTS,
        reason="NEW.reason",
    ),
    _Event(
        name="alert_of_pause",
        table="campaigns",
        of=("status",),
        when="OLD.status <> NEW.status AND NEW.status = 'paused' AND NEW.pause_kind <> 'person'",
        kind=PAUSED_BY,
        at="NEW.since",
        facts=CAMPAIGN_FACTS,
        reason="NEW.reason",
        seldom=True,
    ),
    _Event(
        name="alert_of_hold",
        table="campaigns",
        of=("hold_kind",),
        when="OLD.hold_kind {differs} NEW.hold_kind AND NEW.hold_kind IN ('day_points', 'budget')",
        kind=HELD_BY,
        at="NEW.ticked_at",
        facts=HOLD_FACTS,
        reason="NEW.held_by",
        seldom=True,
    ),
)


def make(dialect: str, *tables: str, later: Collection[str] = ()) -> Iterator[TextClause]:
    """The statements that make the triggers of these tables, those that are there first dropped.

    `later` names those of LATER that the tables have by now.
    """
    for event in EVENTS:
        if event.table in tables:
            yield text(
                f"DROP TRIGGER IF EXISTS {event.name}" + (f" ON {event.table}" if dialect == "postgresql" else "")
            )
            left_out = LATER - set(later)
            known = replace(
                event,
                of=[name for name in event.of if name not in left_out],
                facts=[name for name in event.facts if name not in left_out],
            )
            statements = _postgresql if dialect == "postgresql" else _sqlite
            for statement in statements(known, "waits_since" in later):
                yield text(statement.replace(":", "\\:"))


def _sqlite(event: _Event, waits: bool) -> Iterator[str]:
    yield f"CREATE TRIGGER {event.name} {_moment(event, 'sqlite')} BEGIN {_insert(event, 'sqlite', waits)}; END"


def _postgresql(event: _Event, waits: bool) -> Iterator[str]:
    body = f"BEGIN {_insert(event, 'postgresql', waits)}; RETURN NULL; END"
    yield f"CREATE OR REPLACE FUNCTION {event.name}() RETURNS trigger LANGUAGE plpgsql AS $event$ {body} $event$"
    moment = _moment(event, "postgresql")
    yield f"CREATE TRIGGER {event.name} {moment} EXECUTE FUNCTION {event.name}()"


def _moment(event: _Event, dialect: str) -> str:
    differs = DIFFERS[dialect]
    compared = (name for name in event.of if not name.endswith("_at"))
    changed = " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in compared)
    when = event.when.format(differs=differs, changed=changed)
    return f"AFTER UPDATE OF {', '.join(event.of)} ON {event.table} FOR EACH ROW WHEN ({when})"


def _insert(event: _Event, dialect: str, waits: bool) -> str:
    """Writes a delivery for each webhook that is told of such events; nothing where there is none.

    `waits`: with the moment from which it waits, which may be long after that of which it tells.
    """
    facts = ", ".join(f"'{name}', NEW.{name}" for name in event.facts)
    subject = f"CAST({event.campaign if event.contact == 'NULL' else event.contact} AS TEXT)"
    values = {
        "webhook": "w.name",
        "event_id": EVENT_ID[dialect],
        "kind": event.kind,
        "subject": subject,
        "campaign_id": event.campaign,
        "contact_id": event.contact,
        "attempt_id": event.attempt,
        "at": event.at,
        "facts": f"{AS_JSON[dialect]}({facts})",
        "reason": event.reason,
        "state": "CASE w.name WHEN '(events)' THEN 'delivered' ELSE 'pending' END",
        "tries": "0",
        "next_at": event.at,
    } | ({"waits_since": NOW[dialect]} if waits else {})
    where = f"w.state <> 'ended' AND w.kinds LIKE '% ' || {event.kind} || ' %'"
    if event.seldom:
        lately = f"d.at > {AN_HOUR_BEFORE[dialect].format(event.at)}"
        same = f"d.webhook = w.name AND d.campaign_id = {event.campaign} AND d.kind = {event.kind} AND {lately}"
        where += f" AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.kind LIKE 'alert.%' AND {same})"  # noqa: S608
    return f"INSERT INTO deliveries ({', '.join(values)}) SELECT {', '.join(values.values())} FROM webhooks w WHERE {where}"  # noqa: E501, S608
