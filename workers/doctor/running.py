"""Whether beat and the workers run: ticks come, and calls are taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from campaigns.reporting.surroundings import Trouble, TroubleKind
from workers.doctor.findings import Finding, fail, ok, warn
from workers.inspection import Inspection
from workers.settings import Settings

REMEDIES: Mapping[TroubleKind, str] = {
    TroubleKind.NO_STACK: "start it: dialer up",
    TroubleKind.REDIS_AWAY: "mend Redis first",
    TroubleKind.REDIS_REFUSES: "mend Redis first",
    TroubleKind.LEDGER_AWAY: "mend the ledger first, on the machines of the workers too",
    TroubleKind.NO_BEAT: "start it: celery -A workers.app beat",
    TroubleKind.NO_WORKER: "start one: celery -A workers.app worker --pool threads",
    TroubleKind.WORKERS_HANG: "restart the workers; their logs say what they wait for",
    TroubleKind.NO_CONSUMER: "start a worker without -Q, or with -Q that names calls",
}


def heartbeat(settings: Settings) -> Iterator[Finding]:
    """Whether ticks come and are worked at, and a worker takes calls."""
    inspection = Inspection(settings)
    trouble = inspection.trouble() or inspection.trouble_of_calls()
    yield judged_heartbeat(trouble, None if trouble else inspection.tick_age())


def judged_heartbeat(trouble: Trouble | None, tick_age: float | None) -> Finding:
    """The first thing that keeps the parts that dial from dialing, and what to do."""
    if trouble is None:
        since = "just now" if tick_age is None else f"{tick_age:.1f} s ago"
        return ok("beat, worker", f"the last tick came {since}; calls are taken")
    finding = warn if trouble.kind is TroubleKind.NO_STACK else fail
    return finding("beat, worker", trouble.words, REMEDIES[trouble.kind])
