"""The ledger's tables. Migrations in `campaigns/ledger/migrations` create them; a test compares the two."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    Uuid,
    and_,
    false,
    literal_column,
    text,
)
from sqlalchemy.sql import operators
from sqlalchemy.types import Concatenable, TypeDecorator

from campaigns.lifecycle import (
    ENDED_CAMPAIGNS,
    FINAL_CONTACTS,
    SETTLED_ATTEMPTS,
    AttemptStatus,
    CampaignStatus,
    CanaryResult,
    ChainEnd,
    ContactStatus,
    CorrectedFrom,
    DeliveryState,
    LaunchState,
    PauseKind,
    ReleaseHold,
    Step,
    WebhookState,
)
from campaigns.retention_periods import Kept
from dialer.phone import ENDING_DIGITS


class UtcTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the ledger keeps aware times only")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    # SQLite keeps it as text, which SQLAlchemy writes and reads in two steps each, four times as slow as in one.
    def bind_processor(self, dialect: Dialect) -> Any:
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _as_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("the ledger keeps aware times only")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


COMPARISONS_OF_WORDS = (
    *(operators.in_op, operators.not_in_op, operators.like_op, operators.not_like_op),
    *(operators.startswith_op, operators.endswith_op, operators.contains_op),
    *(operators.ilike_op, operators.regexp_match_op, operators.match_op),
)


class Sentence(TypeDecorator[str]):
    """Words for people. No statement compares them: what the program decides by has a column of its own."""

    impl = Text
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[str], Concatenable.Comparator[str]):
        """Lets sentences be joined, counted by and looked for, and refuses to compare what they say."""

        def operate(self, op: Any, *other: Any, **named: Any) -> ColumnElement[Any]:
            if op in COMPARISONS_OF_WORDS or (operators.is_comparison(op) and other != (None,)):
                raise TypeError("sentences are for people: decide by a typed column")
            return super().operate(op, *other, **named)

    comparator_factory: Any = Comparator

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value


def one_of(column: str, values: Iterable[StrEnum]) -> str:
    """SQL for: the column holds one of these values."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({quoted})"


def known_values(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """The column holds one of these values, or nothing if it may be empty."""
    return CheckConstraint(one_of(column, values), name=column)


def together(name: str, condition: str, *columns: str) -> CheckConstraint:
    """Every one of these columns is filled where the condition is true, and none where it is not."""
    filled = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    empty = " AND ".join(f"{column} IS NULL" for column in columns)
    return CheckConstraint(f"({condition} AND {filled}) OR (NOT ({condition}) AND {empty})", name=name)


def partial_index(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    """An index of the rows for which this is true, on both stores.

    The condition is named to SQLite's dialect only: naming PostgreSQL's here would import all of its drivers.
    """
    return Index(name, *columns, unique=unique, sqlite_where=where)


RowId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

RETURNS = text("returns_at IS NOT NULL")

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Text, primary_key=True),  # name-number, as people type it
    Column("name", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("rehearsal", Boolean, nullable=False, default=False),  # started on a sandbox, and dialed nowhere else
    Column("status", Text, nullable=False),
    Column("reason", Sentence),  # why it has this status
    Column("pause_kind", Text),  # what paused it
    Column("since", UtcTime, nullable=False),
    Column("definition", Text, nullable=False),  # as JSON
    # What ticks choose campaigns by, as the definition has it.
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    Column("hands_over", Boolean, nullable=False, server_default=false()),  # contacts are handed over before their time
    Column("zones", JSON, nullable=False),  # the zones its contacts are in
    Column("contacts", Integer, nullable=False, default=0),
    Column("rejects", Integer, nullable=False, default=0),
    Column("rejects_file", Text),
    Column("list_columns", JSON(none_as_null=True)),  # of its list as it was given, each with its name among fields
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("started_by", Text),
    Column("finished_at", UtcTime),
    Column("ticked_at", UtcTime),  # when a release tick last wrote here what binds
    Column("held_by", Sentence),  # what binds when nothing can be released now
    Column("hold_kind", Text),  # and what kind of thing that is
    Column("held_until", UtcTime),
    Column("canary", Text),  # how it was decided
    Column("redial_of", Text, ForeignKey("campaigns.id")),  # the campaign whose contacts this one calls again
    Column("redials_reached", Boolean, nullable=False, server_default=false()),  # for what they pressed, or did not
    Column("cost_noted", BigInteger),  # with limits.cost: millionths spent, and kept back for calls that go on
    Column("returns_at", UtcTime),  # when it goes back to its preferred account, if that has answered until then
    Column("return_asked_at", UtcTime),  # when that account was asked last
    Column("closed_at", UtcTime),  # of a standing campaign: since when it takes no contacts any more
    known_values("status", CampaignStatus),
    known_values("pause_kind", PauseKind),
    known_values("hold_kind", ReleaseHold),
    known_values("canary", CanaryResult),
    together("paused", "status = 'paused'", "pause_kind"),
    together("over", one_of("status", ENDED_CAMPAIGNS), "finished_at"),
    together("held", "held_by IS NOT NULL", "hold_kind"),
    Index("ix_campaigns_status", "status"),
    Index("ix_campaigns_name", "name"),
    Index("ix_campaigns_redial_of", "redial_of"),
    Index("ix_campaigns_created_at", "created_at", "id"),
    partial_index("ix_campaigns_returns_at", "returns_at", where=RETURNS),
)

AGAIN = text("status = 'pending' AND tries > 0")  # as it is written, or the index is not used
MAY_EXPIRE = text("not_after IS NOT NULL AND final_at IS NULL")
IS_OPEN = text("ended_at IS NULL")
HAS_PRICE = text("currency IS NOT NULL")
IS_URGENT = text("status = 'pending' AND urgent")
HAS_KEY = text("key <> ''")
IS_LEAVING = text("withdrawal IS NOT NULL AND final_at IS NULL")
ENDING = "substr(phone, length(phone) - 3)"  # the last four digits of a number, as it is written
HAS_CLAIM, HAS_LEASE = text("claim IS NOT NULL"), text("lease_until IS NOT NULL")  # few contacts have, at any time

contacts = Table(
    "contacts",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    # No foreign key, which PostgreSQL looks up for each row of a list: whoever adds contacts has locked the campaign's
    # row or has written it in the same transaction, and so has who removes a campaign.
    Column("campaign_id", Text, nullable=False),
    Column("line", Integer, nullable=False),  # of its list; of a contact that came later, its place among those
    Column("key", Text, nullable=False, server_default=""),  # its name in the caller's own system; blank: it has none
    Column("phone", Text, nullable=False),
    Column("phone_hash", Text),  # keyed: knows a number that was erased
    Column("consent", Text),  # the evidence, as the list has it
    Column("fields", JSON, nullable=False),
    Column("given", JSON(none_as_null=True)),  # cells of its row that `fields` does not hold as they were written
    Column("text", Text),  # what is said, as it was checked before launch
    Column("voice", JSON(none_as_null=True)),  # how it is said, where the contact's own row names it
    Column("zone", Text, nullable=False),
    Column("not_after", UtcTime),
    Column("status", Text, nullable=False),
    Column("reason", Sentence),
    Column("corrected", Text),  # what it had been taken for until a late receipt corrected it
    Column("response", Text),  # what the person meant who pressed a key in the last call in which one was pressed
    Column("withdrawal", Sentence),  # why it was withdrawn while a call of it was under way: no other is made
    Column("due_at", UtcTime, nullable=False),
    Column("reminder", Integer),  # of several of one appointment, the one that it waits for or was told last, from 1
    Column("urgent", Boolean, nullable=False, server_default=false()),  # claimed before the others of its campaign
    Column("caller_id", Text),  # of several numbers the one that it is shown, from its first claim on
    Column("claim", Uuid),
    Column("claimed_at", UtcTime),
    Column("lease_until", UtcTime),
    Column("attempts", Integer, nullable=False, default=0),  # those that the provider accepted
    Column("tries", Integer, nullable=False, default=0),  # all of them
    Column("final_at", UtcTime),
    known_values("status", ContactStatus),
    known_values("corrected", CorrectedFrom),
    together("claimed", "status = 'claimed'", "claim", "lease_until"),
    together("final", one_of("status", FINAL_CONTACTS), "final_at"),
    CheckConstraint("final_at IS NULL OR reason IS NOT NULL", name="reason"),
    # A number stands once in a campaign, but for contacts of different keys.
    UniqueConstraint("phone", "campaign_id", "key"),
    Index("ix_contacts_campaign_id_status_due_at_id", "campaign_id", "status", "due_at", "id"),
    Index("ix_contacts_campaign_id_id", "campaign_id", "id"),  # as programs list them
    Index("ix_contacts_ending", text(f"({ENDING})")),
    partial_index("ix_contacts_claim", "claim", where=HAS_CLAIM),
    partial_index("ix_contacts_lease_until", "lease_until", where=HAS_LEASE),
    partial_index("ix_contacts_not_after", "not_after", where=MAY_EXPIRE),
    partial_index("ix_contacts_retries", "campaign_id", "due_at", where=AGAIN),
    partial_index("ix_contacts_urgent", "campaign_id", "due_at", where=IS_URGENT),
    partial_index("ix_contacts_leaving", "id", where=IS_LEAVING),
    partial_index("uq_contacts_key", "campaign_id", "key", where=HAS_KEY, unique=True),
)

rejected_rows = Table(
    "rejected_rows",  # of a campaign's list that became no contact, kept for reports
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("campaign_id", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", Sentence, nullable=False),
    Column("cells", JSON(none_as_null=True)),  # as they were written; absent: emptied, or none was kept
    Index("ix_rejected_rows_campaign_id_line", "campaign_id", "line"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Uuid, primary_key=True),  # our correlation id
    Column("contact_id", RowId, ForeignKey("contacts.id"), nullable=False),
    Column("campaign_id", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("caller_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text),
    Column("outcome", Text),
    Column("mnemonic", Text),
    Column("code", Text),
    Column("detail", Sentence),
    Column("corrected", Text),  # what it had been taken for until a late receipt corrected it
    Column("provider_call_id", Text),
    Column("counted", Boolean, nullable=False, default=False),  # the provider accepted it
    Column("zone", Text),  # the contact's assumed zone, its local hour, and what allowed the call
    Column("local_time", Text),
    Column("allowed_by", Text),
    Column("scheduled_at", UtcTime, nullable=False),
    Column("queued_at", UtcTime),
    Column("dialing_at", UtcTime, nullable=False),
    Column("placed_at", UtcTime),
    Column("answered_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("talk_seconds", Float),
    Column("response", Text),  # as the campaign's `responses` has it
    Column("short", Boolean, nullable=False, server_default=false()),  # answered, and over before enough was said
    Column("doubted_at", UtcTime),  # since when it is not known whether it was placed
    Column("confirmed_by", Text),  # the evidence that settled that
    Column("ended_by", Text),  # the evidence of its end
    Column("next_attempt_at", UtcTime),
    Column("reminder", Integer),  # which of several it tells
    Column("variant", Text),  # which of several texts it says
    Column("script_seconds", Float, nullable=False),
    # What it costs by the prices it was opened with, in millionths; see `campaigns/ledger/costs.py`.
    Column("currency", Text),
    Column("call_price", BigInteger),
    Column("part_price", BigInteger),  # of each part of the talk that is begun
    Column("part_seconds", Integer),
    Column("kept_back", BigInteger),  # until it has ended
    Column("conclude_at", UtcTime),  # when a sweep decides, should nothing be heard
    Column("looked_at", Float),  # unix time of the last look at the calls in progress that could have shown it
    Column("send_at", UtcTime),  # the provider was asked to place it then, and not before
    Column("gone_at", UtcTime),  # when the list of calls first missed it, where something better may tell how it ended
    Column("looks", Integer, nullable=False, default=0),
    Column("longest_gap", Float, nullable=False, default=0.0),  # seconds between two such looks
    Column("seen", Boolean, nullable=False, default=False),
    Column("puzzled", Boolean, nullable=False, default=False),  # it was seen with a word we do not know
    known_values("status", AttemptStatus),
    known_values("corrected", CorrectedFrom),
    together("settled", one_of("status", SETTLED_ATTEMPTS), "ended_at"),
    CheckConstraint("status NOT IN ('ended', 'unknown') OR outcome IS NOT NULL", name="outcome"),
    CheckConstraint("status <> 'answered' OR answered_at IS NOT NULL", name="answered"),
    CheckConstraint("corrected IS NULL OR status = 'ended'", name="correction"),
    UniqueConstraint("contact_id", "number"),
    Index("ix_attempts_status_conclude_at", "status", "conclude_at"),
    Index("ix_attempts_account_provider_call_id", "account", "provider_call_id"),
    Index("ix_attempts_campaign_id_dialing_at", "campaign_id", "dialing_at"),
    Index("ix_attempts_caller_id_dialing_at", "caller_id", "dialing_at"),
    partial_index("ix_attempts_open", "campaign_id", where=IS_OPEN),
    partial_index("ix_attempts_priced", "campaign_id", where=HAS_PRICE),
)

# Counts of what is over, by triggers of the store (migration 0015): see `campaigns/ledger/tallies.py`.
UNFOLDED, FOLDED = text("NOT folded"), text("folded")


def ending_with(table: Table, digits: str) -> ColumnElement[bool]:
    """Whether the number of a row ends with these digits, ENDING_DIGITS at the least: by the index of the last."""
    last = literal_column(ENDING.replace("phone", f"{table.name}.phone"), Text)
    return and_(last == digits[-ENDING_DIGITS:], table.c.phone.like(f"+%{digits}"))


def tallies_of(name: str, *key: Column[Any], beside: Iterable[Column[Any]] = ()) -> Table:
    """A table of counts: rows of the same key are to be added up. What stands `beside` is no part of the key."""
    return Table(
        name,
        metadata,
        Column("id", RowId, primary_key=True, autoincrement=True),
        *key,
        *beside,
        Column("number", Integer, nullable=False),  # to be added to the other rows'
        Column("folded", Boolean, nullable=False, default=False),  # the sum of earlier rows, one for each key
        Index(f"ix_{name}_campaign_id", "campaign_id"),
        partial_index(f"ix_{name}_unfolded", "id", where=UNFOLDED),
        partial_index(f"uq_{name}_folded", *(column.name for column in key), unique=True, where=FOLDED),
    )


contact_tallies = tallies_of(
    "contact_tallies",
    Column("campaign_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),  # blank: none was kept, or it holds a number of seven digits or more
)

attempt_tallies = tallies_of(
    "attempt_tallies",
    Column("campaign_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text, nullable=False),  # blank where there is none, as the next ones
    Column("outcome", Text, nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("ended_by", Text, nullable=False),
    Column("reminder", Integer, nullable=False, server_default="0"),  # 0: the campaign has none
    Column("short", Boolean, nullable=False, server_default=false()),
    Column("variant", Text, nullable=False, server_default=""),
    Column("caller_id", Text, nullable=False, server_default=""),
    beside=[Column("minute", Integer)],  # since 1970, in which it was made; none where many are added up
)

response_tallies = tallies_of(
    "response_tallies",  # of contacts, by what they pressed
    Column("campaign_id", Text, nullable=False),
    Column("response", Text, nullable=False),
)

call_times = Table(
    "call_times",  # settled attempts by when they were made: see `campaigns/ledger/tallies.py`
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("span", Integer, primary_key=True),  # seconds: a minute or an hour
    Column("starts", BigInteger, primary_key=True, autoincrement=False),  # seconds since 1970
    Column("outcome", Text, primary_key=True),  # or the status, where it has none
    Column("number", Integer, nullable=False),
    Index("ix_call_times_span_starts", "span", "starts"),
)

breakers = Table(
    "breakers",  # those that are open
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("scope", Text, nullable=False),  # campaign, or account: those of an account open and close together
    Column("opened_at", UtcTime, nullable=False),
    Column("try_at", UtcTime, nullable=False),
    Column("times", Integer, nullable=False),  # how often one call has tried, this time included
    Column("trying_since", UtcTime),  # half-open: one call may try
)

halts = Table(
    "halts",  # campaigns that their account's trouble has paused
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("try_at", UtcTime, nullable=False),  # when the account is asked whether it can dial again
    Column("times", Integer, nullable=False),  # how often it will have been asked then
    Column("answers_since", UtcTime),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("attempt_id", Uuid),
    Column("provider_call_id", Text),
    Column("correlation_id", Uuid),
    Column("word", Text, nullable=False),
    Column("code", Text),
    Column("progress", Text),
    Column("outcome", Text),
    Column("occurred_at", UtcTime),
    Column("received_at", UtcTime, nullable=False),
    Column("applied_at", UtcTime),  # absent: it has not found its attempt yet
    Column("pressed", JSON(none_as_null=True)),  # keys that were pressed, or tags of the call
    Column("body", Text, nullable=False),  # as it came
    UniqueConstraint("account", "event_id"),
    Index("ix_receipts_attempt_id", "attempt_id"),
    Index("ix_receipts_account_provider_call_id", "account", "provider_call_id"),
    Index("ix_receipts_applied_at", "applied_at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("phone", Text, nullable=False),  # E.164, or the keyed hash of a number that was erased
    Column("account", Text, nullable=False, server_default=""),  # blank: every account
    Column("reason", Sentence, nullable=False),
    Column("source", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    UniqueConstraint("phone", "account"),
    Index("ix_suppressions_ending", text(f"({ENDING})")),
)

erasures = Table(
    "erasures",  # asked for while a call was in progress: done when it ends
    metadata,
    Column("contact_id", RowId, ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    Column("who", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
)

retention_done = Table(
    "retention_done",  # what was emptied of an ended campaign because its time was over
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("kept", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("number", Integer, nullable=False),  # of contacts or receipts that were emptied
    known_values("kept", Kept),
    Index("ix_retention_done_at", "at"),
)

archives = Table(
    "archives",  # ended campaigns whose contacts, attempts and receipts were moved into files; their counts stay
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("folder", Text, nullable=False),  # of the files, as it was named on the machine that wrote them
    Column("manifest_hash", Text, nullable=False),  # of the file that names the others with their hashes
    Column("last_receipt", RowId, nullable=False),  # the newest in the files; 0: there is none
    Column("who", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),  # when nothing of it was left here
)

idempotency_keys = Table(
    "idempotency_keys",  # requests of programs, so that one that is sent again has the same answer
    metadata,
    Column("who", Text, primary_key=True),  # each program has keys of its own
    Column("key", Text, primary_key=True),  # as the program chose it
    Column("request", Text, nullable=False),  # a hash of what was asked for
    Column("contact_id", RowId, nullable=False),  # the call that it placed
    Column("at", UtcTime, nullable=False),
    Index("ix_idempotency_keys_at", "at"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),  # of the campaigns it launches
    Column("file", Text, nullable=False),
    Column("next_at", UtcTime),
    Column("last_at", UtcTime),
    Column("last_said", Sentence, nullable=False),  # what became of the last run
    Column("state", Text, nullable=False),  # of the launch that is due or under way
    Column("launched", Text),  # the campaign that the launch under way has started
    Column("paused_at", UtcTime),  # since when its hours pass without a launch
    Column("asked_at", UtcTime),  # somebody wants it launched now
    Column("added_by", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    known_values("state", LaunchState),
)

faults = Table(
    "faults",  # what the dialer's own steps raised
    metadata,
    Column("step", Text, primary_key=True),
    Column("account", Text, primary_key=True),  # blank where it is no account's
    Column("campaign_id", Text, primary_key=True),  # blank where it is the account's as a whole
    Column("times", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("error", Sentence, nullable=False),
    known_values("step", Step),
)

ticks = Table(
    "ticks",  # when a step that is done again and again was last at work
    metadata,
    Column("step", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("campaign_id", Text),
    Column("detail", Sentence, nullable=False, default=""),
    # Its place in the chain and the hash there, which covers the line before: see `campaigns/ledger/audit_chain`.
    Column("place", BigInteger),  # absent in the first moments: it is not chained yet
    Column("hash", Text),
    # Listed the latest first, all of it and by each of its filters.
    Index("ix_audit_at", "at", "id"),
    Index("ix_audit_campaign_id_at", "campaign_id", "at", "id"),
    Index("ix_audit_who_at", "who", "at", "id"),
    Index("ix_audit_event_at", "event", "at", "id"),
    Index("uq_audit_place", "place", unique=True),
)

audit_chain = Table(
    "audit_chain",  # where the chain of the audit's lines begins and ends
    metadata,
    Column("name", Text, primary_key=True),
    Column("place", BigInteger, nullable=False),  # of the last line that was removed, and of the last that is chained
    Column("hash", Text, nullable=False),
    Column("seal", Text, nullable=False),  # says by the ledger's key that we wrote this
    known_values("name", ChainEnd),
)

tokens = Table(
    "tokens",  # of programs that use the console's API
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),  # stands in the audit, so no other token ever has it
    Column("secret_hash", Text, nullable=False),  # SHA-256 of a random secret: that itself is kept nowhere
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", UtcTime),
    Column("last_used_at", UtcTime),  # to the minute
    Column("revoked_at", UtcTime),
    UniqueConstraint("name"),
    UniqueConstraint("secret_hash"),
)

users = Table(
    "users",  # people who use the console
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),  # stands in the audit, so no other person ever has it
    Column("password_hash", Text),  # argon2; absent for whoever logs in elsewhere only
    Column("identity", Text),  # at the OpenID Connect provider: issuer and subject
    Column("roles", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("disabled_at", UtcTime),
    Column("last_log_in_at", UtcTime),
    UniqueConstraint("name"),
    UniqueConstraint("identity"),
)

sessions = Table(
    "sessions",  # of people who have logged in, in one browser each
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("secret_hash", Text, nullable=False),  # SHA-256 of what the cookie holds
    Column("user_id", RowId, ForeignKey("users.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),  # to the minute
    Column("expires_at", UtcTime, nullable=False),  # however much it is used
    Column("seen_from", Sentence, nullable=False),  # address and browser
    UniqueConstraint("secret_hash"),
    Index("ix_sessions_user_id", "user_id"),
)

questions = Table(
    "questions",  # of campaigns whose program gives no answer before dialing (`before_dial`)
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.id"), primary_key=True),
    Column("failing_since", UtcTime, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("ask_at", UtcTime, nullable=False),  # when it is asked again
    Column("words", Sentence, nullable=False),
)

question_secrets = Table(
    "question_secrets",  # of servers that are asked before dialing, once their secret was rotated
    metadata,
    Column("server", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("old_salt", Text, nullable=False),  # of the secret before, which signs too until `old_until`
    Column("old_until", UtcTime, nullable=False),
)

webhooks = Table(
    "webhooks",  # addresses that are told what happens
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", Text, nullable=False),  # of the events that it is told, each between two blanks
    Column("include", JSON, nullable=False),  # what of a person its events name
    Column("salt", Text, nullable=False),  # of its secret, which stands in no ledger: see `dialer/signing.py`
    Column("old_salt", Text),  # of the secret before, which signs too until `old_until`
    Column("old_until", UtcTime),
    Column("state", Text, nullable=False),
    Column("reason", Sentence, nullable=False),  # why it has this state
    Column("since", UtcTime, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("failing_since", UtcTime),  # since when nothing could be delivered
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("next_at", UtcTime, nullable=False),  # nothing is sent before
    Column("last_answer", Sentence, nullable=False, default=""),
    Column("delivered", Integer, nullable=False, default=0),
    Column("refused", Integer, nullable=False, default=0),  # requests that delivered nothing
    Column("given_up", Integer, nullable=False, default=0),
    Column("lease", Uuid),  # of the task that delivers
    Column("lease_until", UtcTime),
    known_values("state", WebhookState),
    together("leased", "lease IS NOT NULL", "lease_until"),
)

IS_PENDING, HAS_FAILED = text("state = 'pending'"), text("state = 'failed'")
STREAM = "(events)"  # a webhook that is none: its events are read by those who ask for them, and sent to nobody
IS_STREAMED = text("webhook = '(events)'")
IS_ALERT = text("kind LIKE 'alert.%'")

deliveries = Table(
    "deliveries",  # one event for one webhook: written by triggers of the store (migration 0019)
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    # No foreign key: a removal waits for no move. What is written for a webhook that is gone is purged with the rest.
    Column("webhook", Text, nullable=False),
    Column("event_id", Text, nullable=False),  # the same however often it is sent
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # what it is about: events about the same are delivered in their order
    Column("campaign_id", Text, nullable=False),
    Column("contact_id", RowId),
    Column("attempt_id", Uuid),
    Column("at", UtcTime, nullable=False),
    Column("facts", JSON, nullable=False),  # as they were then; no number, no text
    Column("reason", Sentence),  # a campaign's; a contact's is read when the event is sent
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("next_at", UtcTime, nullable=False),
    Column("waits_since", UtcTime),  # by the store's clock: `at` may be long ago when a call's end is learnt late
    Column("answer", Sentence),
    Column(
        "xact", BigInteger
    ),  # PostgreSQL writes the number of the transaction: see `campaigns/ledger/event_stream.py`
    known_values("state", DeliveryState),
    UniqueConstraint("event_id"),
    Index("ix_deliveries_at", "at"),
    Index("ix_deliveries_pending", "webhook", "id", sqlite_where=IS_PENDING, postgresql_where=IS_PENDING),
    Index("ix_deliveries_failed", "webhook", "id", sqlite_where=HAS_FAILED, postgresql_where=HAS_FAILED),
    Index("ix_deliveries_order", "webhook", "subject", "id", sqlite_where=IS_PENDING, postgresql_where=IS_PENDING),
    Index("ix_deliveries_streamed", "xact", "id", sqlite_where=IS_STREAMED, postgresql_where=IS_STREAMED),
    Index("ix_deliveries_alerts", "campaign_id", "kind", sqlite_where=IS_ALERT, postgresql_where=IS_ALERT),
)
