"""Adds typed columns for what was read from sentences, filled from those; and checks that tie columns to statuses.

Campaigns get pause_kind, hold_kind, canary, redial_of; contacts and attempts corrected; schedules state, launched.

The sentences below are those of the versions before; they stand here as they were written then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SETTLED = "'ended', 'not_placed', 'unknown'"
FINAL = "'reached', 'unreached', 'refused', 'suppressed', 'expired', 'cancelled', 'unknown'"
CORRECTED = "corrected IN ('unknown', 'not_placed', 'unanswered')"
CHECKS = {
    "campaigns": {
        "status": "status IN ('draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled')",
        "pause_kind": "pause_kind IN ('person', 'breaker', 'canary', 'budget', 'halted')",
        "hold_kind": "hold_kind IN ('redis_away', 'day_points', 'bucket_empty', 'limit', 'budget', 'canary', "
        "'clock_set')",
        "canary": "canary IN ('passed', 'failed')",
        "paused": "(status = 'paused' AND pause_kind IS NOT NULL) OR (NOT (status = 'paused') AND pause_kind IS NULL)",
        "over": "(status IN ('finished', 'cancelled') AND finished_at IS NOT NULL) "
        "OR (NOT (status IN ('finished', 'cancelled')) AND finished_at IS NULL)",
        "held": "(held_by IS NOT NULL AND hold_kind IS NOT NULL) OR (NOT (held_by IS NOT NULL) AND hold_kind IS NULL)",
    },
    "contacts": {
        "status": f"status IN ('pending', 'claimed', 'dialing', 'placed', {FINAL})",
        "corrected": CORRECTED,
        "claimed": "(status = 'claimed' AND claim IS NOT NULL AND lease_until IS NOT NULL) "
        "OR (NOT (status = 'claimed') AND claim IS NULL AND lease_until IS NULL)",
        "final": f"(status IN ({FINAL}) AND final_at IS NOT NULL) OR (NOT (status IN ({FINAL})) AND final_at IS NULL)",
        "reason": "final_at IS NULL OR reason IS NOT NULL",
    },
    "attempts": {
        "status": f"status IN ('dialing', 'unconfirmed', 'placed', 'answered', {SETTLED})",
        "corrected": CORRECTED,
        "settled": f"(status IN ({SETTLED}) AND ended_at IS NOT NULL) "
        f"OR (NOT (status IN ({SETTLED})) AND ended_at IS NULL)",
        "outcome": "status NOT IN ('ended', 'unknown') OR outcome IS NOT NULL",
        "answered": "status <> 'answered' OR answered_at IS NOT NULL",
        "correction": "corrected IS NULL OR status = 'ended'",
    },
    "schedules": {"state": "state IN ('idle', 'launching', 'again', 'once_more')"},
}


def upgrade() -> None:
    for table, names in {
        "campaigns": ("pause_kind", "hold_kind", "canary", "redial_of"),
        "contacts": ("corrected",),
        "attempts": ("corrected",),
        "schedules": ("state", "launched"),
    }.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    for statement in (*FILL, *MEND):
        op.execute(statement)
    for name, checks in CHECKS.items():
        with op.batch_alter_table(name) as batch:
            if name == "schedules":
                batch.alter_column("state", nullable=False)
            if name == "campaigns":
                batch.create_foreign_key(op.f("fk_campaigns_redial_of"), "campaigns", ["redial_of"], ["id"])
            for check, condition in checks.items():
                batch.create_check_constraint(op.f(f"ck_{name}_{check}"), condition)
    op.create_index("ix_campaigns_redial_of", "campaigns", ["redial_of"])


FILL = (
    "UPDATE attempts SET corrected = CASE detail "
    "WHEN 'told after it had been reported as unknown' THEN 'unknown' "
    "WHEN 'told after it had been taken for no call' THEN 'not_placed' "
    "ELSE 'unanswered' END "
    "WHERE status = 'ended' AND detail IN ('told after it had been reported as unknown', "
    "'told after it had been taken for no call', 'told after it had been taken for unanswered')",
    "UPDATE contacts SET corrected = CASE "
    "WHEN reason LIKE '%, told after it had been reported as unknown' THEN 'unknown' "
    "WHEN reason LIKE '%, told after it had been taken for no call' THEN 'not_placed' "
    "ELSE 'unanswered' END "
    "WHERE status IN ('reached', 'unreached', 'expired') AND reason LIKE '%, told after it had been %'",
    # Whoever moved it last: `dialer` is the program itself. A breaker that is not trying is what keeps it paused.
    "UPDATE campaigns SET pause_kind = CASE "
    "WHEN EXISTS (SELECT 1 FROM breakers WHERE campaign_id = campaigns.id AND trying_since IS NULL) THEN 'breaker' "
    "WHEN COALESCE((SELECT who FROM audit WHERE campaign_id = campaigns.id AND event = 'campaign paused' "
    "ORDER BY audit.id DESC LIMIT 1), '') <> 'dialer' THEN 'person' "
    "WHEN SUBSTR(reason, 1, 7) = 'canary:' THEN 'canary' "
    "WHEN SUBSTR(reason, 1, 14) = 'its budget of ' THEN 'budget' "
    "ELSE 'halted' END WHERE status = 'paused'",
    "UPDATE campaigns SET held_by = NULL, held_until = NULL WHERE held_by = ''",
    "UPDATE campaigns SET hold_kind = CASE "
    "WHEN held_by = 'Redis is away' THEN 'redis_away' "
    "WHEN held_by IN ('day points', 'campaign share of the day') THEN 'day_points' "
    "WHEN held_by IN ('pace', 'campaign pace', 'pace of its caller ID', 'minute points', 'minute points, paced', "
    "'blocked by the provider') THEN 'bucket_empty' "
    "WHEN SUBSTR(held_by, 1, 14) = 'its budget of ' THEN 'budget' "
    "WHEN SUBSTR(held_by, 1, 7) = 'canary:' OR SUBSTR(held_by, 1, 11) = 'its canary:' THEN 'canary' "
    "WHEN SUBSTR(held_by, 1, 27) = 'the machine''s clock was set' THEN 'clock_set' "
    "ELSE 'limit' END WHERE held_by IS NOT NULL",
    "UPDATE campaigns SET canary = CASE (SELECT event FROM audit WHERE campaign_id = campaigns.id "
    "AND event IN ('canary passed', 'canary failed') ORDER BY audit.id DESC LIMIT 1) "
    "WHEN 'canary passed' THEN 'passed' WHEN 'canary failed' THEN 'failed' END",
    "UPDATE campaigns SET redial_of = (SELECT audit.detail FROM audit JOIN campaigns AS old ON old.id = audit.detail "
    "WHERE audit.campaign_id = campaigns.id AND audit.event = 'campaign redials' ORDER BY audit.id DESC LIMIT 1)",
    "UPDATE schedules SET state = CASE last_said "
    "WHEN 'launching' THEN 'launching' "
    "WHEN 'launching again: it was cut off' THEN 'again' "
    "WHEN 'launching once more: it was cut off twice' THEN 'once_more' "
    "ELSE 'idle' END",
    # The campaign that a launch under way has started: its line comes after the last one that says how a run went.
    "UPDATE schedules SET launched = (SELECT audit.campaign_id FROM audit "
    "WHERE audit.who = 'schedule ' || schedules.name AND audit.at >= schedules.added_at "
    "AND audit.campaign_id IS NOT NULL AND audit.id > COALESCE((SELECT MAX(ran.id) FROM audit AS ran "
    "WHERE ran.who = 'schedule ' || schedules.name AND ran.at >= schedules.added_at "
    "AND ran.event = 'schedule ran'), 0) "
    "ORDER BY audit.id LIMIT 1) WHERE state <> 'idle'",
)

_MEND = """
UPDATE campaigns SET finished_at = since WHERE status IN ('finished', 'cancelled') AND finished_at IS NULL;
UPDATE campaigns SET finished_at = NULL WHERE status NOT IN ('finished', 'cancelled') AND finished_at IS NOT NULL;
UPDATE contacts SET status = 'pending', claimed_at = NULL
    WHERE status = 'claimed' AND (claim IS NULL OR lease_until IS NULL);
UPDATE contacts SET claim = NULL, lease_until = NULL
    WHERE status <> 'claimed' AND (claim IS NOT NULL OR lease_until IS NOT NULL);
UPDATE contacts
    SET final_at = COALESCE(final_at, (SELECT since FROM campaigns WHERE id = contacts.campaign_id)),
    reason = COALESCE(reason, 'no reason was kept')
    WHERE status IN (FINAL) AND (final_at IS NULL OR reason IS NULL);
UPDATE contacts SET final_at = NULL WHERE status NOT IN (FINAL) AND final_at IS NOT NULL;
UPDATE attempts SET ended_at = COALESCE(answered_at, placed_at, dialing_at)
    WHERE status IN (SETTLED) AND ended_at IS NULL;
UPDATE attempts SET ended_at = NULL WHERE status NOT IN (SETTLED) AND ended_at IS NOT NULL;
UPDATE attempts SET outcome = 'unknown' WHERE status IN ('ended', 'unknown') AND outcome IS NULL;
UPDATE attempts SET answered_at = COALESCE(placed_at, dialing_at) WHERE status = 'answered' AND answered_at IS NULL
"""
# What no version of ours has written, so that a ledger that was mended by hand can be upgraded too.
MEND = _MEND.replace("FINAL", FINAL).replace("SETTLED", SETTLED).split(";")
