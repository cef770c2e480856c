"""Campaigns, the schedules that launch them, and what keeps them from dialing."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, false, text

from campaigns.ledger.tables.columns import Sentence, UtcTime, known_values, metadata, one_of, partial_index, together
from campaigns.lifecycle import ENDED_CAMPAIGNS, CampaignStatus, CanaryResult, LaunchState, PauseKind, ReleaseHold

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
