"""A fleet: what a call costs each server, one to eight worker processes on one account, and a simulation from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.figures import Figures
from benchmarks.subjects.fleet.queues import STATIONS, Fleet, Load, simulate
from benchmarks.subjects.fleet.workers import CALLS_IN_A_SLICE, Cost, cost_of, row_sizes

WORKERS = (1, 2, 4, 8)
RATES = (100, 300, 1_000, 3_000, 10_000)  # calls a second
CONTACTS, ATTEMPTS_EACH = 100_000_000, 2
RECEIPTS_A_CALL = 3
FLEETS = (
    Fleet(machines=1, worker_cores=2, ledger_cores=2),
    Fleet(machines=4, worker_cores=4, ledger_cores=8),
    Fleet(machines=20, worker_cores=4, ledger_cores=32),
    Fleet(installations=4, machines=5, worker_cores=4, ledger_cores=16),
)
COST_NOTE = (
    f"Slices of {CALLS_IN_A_SLICE} calls of one account and one campaign, from the claim to the written answer, by the "
    "real dial path with a vendor that answers at once. Redis counts the commands within scripts too. Waits: looks at "
    "PostgreSQL's locks, every few milliseconds, that saw a transaction wait. Two cores cannot show the speed of eight."
)
COEFFICIENTS_NOTE = (
    "Of the run with one worker. Processor times are those of the processes themselves, whoever else used the cores. "
    "A receipt is stored and applied, 50 together."
)
FLEET_NOTE = (
    f"Slices of {CALLS_IN_A_SLICE} calls arrive at random; each waits for Redis, a worker's core, the ledger's core; "
    f"{RECEIPTS_A_CALL} receipts a call use the machines and the ledger too. Service times are drawn from exponential "
    "distributions around the coefficients above. Busy: the share of the time. Waits: of one slice in all queues."
)


def measure() -> Iterator[Figures]:
    """The costs by number of workers, the coefficients, and what follows of them for larger fleets."""
    costs = {workers: cost_of(workers) for workers in WORKERS}
    yield Figures(
        title="Of one call, by the number of worker processes on PostgreSQL",
        columns=("workers", "statements", "commits", "Redis commands", "looks that saw a wait", "deadlocks", "CPU ms"),
        rows=[_counted(workers, cost) for workers, cost in costs.items()],
        note=COST_NOTE,
    )
    cost = costs[WORKERS[0]]
    yield Figures(
        title="Coefficients",
        columns=("what", "measured"),
        rows=_coefficients(cost, row_sizes()),
        note=COEFFICIENTS_NOTE,
    )
    yield Figures(
        title="Simulated fleets",
        columns=("calls/s", "fleet", *(f"{name} busy" for name in STATIONS), "waits p95", "log MB/s", "busiest"),
        rows=[_simulated(rate, fleet, cost) for rate in RATES for fleet in FLEETS],
        note=FLEET_NOTE,
    )


def _counted(workers: int, cost: Cost) -> Sequence[str]:
    counts = (cost.statements, cost.commits, cost.redis_commands)
    return (
        str(workers),
        *(f"{count:.2f}" for count in counts),
        f"{cost.waits:.0%}",
        str(cost.deadlocks),
        f"{cost.worker_ms:.2f}",
    )


def _coefficients(cost: Cost, bytes_of: Mapping[str, float]) -> list[Sequence[str]]:
    disk = CONTACTS * (
        bytes_of["contacts"] + ATTEMPTS_EACH * (bytes_of["attempts"] + RECEIPTS_A_CALL * bytes_of["receipts"])
    )
    return [
        ("a call: processor of a worker", f"{cost.worker_ms:.2f} ms"),
        ("a call: processor of PostgreSQL", f"{cost.ledger_ms:.2f} ms"),
        ("a call: processor of Redis", f"{1000 * cost.redis_ms:.0f} µs"),
        ("a call: written ahead by PostgreSQL", f"{cost.log_bytes:,.0f} bytes"),
        ("a commit: until it is on the disk", f"{cost.commit_ms:.2f} ms"),
        (
            "a receipt: processor of the console, and of PostgreSQL",
            f"{cost.receipt_ms:.2f} and {cost.receipt_ledger_ms:.2f} ms",
        ),
        (
            "a contact, an attempt, a receipt with their indexes",
            f"{bytes_of['contacts']:,.0f}, {bytes_of['attempts']:,.0f}, {bytes_of['receipts']:,.0f} bytes",
        ),
        ("connections of one worker process at the most", f"{cost.connections}"),
        (f"{CONTACTS:,} contacts, {ATTEMPTS_EACH} attempts each", f"{disk / 1e9:,.0f} GB"),
    ]


def _simulated(rate: int, fleet: Fleet, cost: Cost) -> Sequence[str]:
    seen = simulate(fleet, _load(rate / fleet.installations, cost))
    waits = "grow without end" if seen.overloaded else f"{1000 * seen.wait_p95:,.0f} ms"
    return (
        f"{rate:,}",
        str(fleet),
        *(f"{seen.busy[name]:.0%}" for name in STATIONS),
        waits,
        f"{rate * cost.log_bytes / 1e6:.1f}",
        seen.busiest,
    )


def _load(rate: float, cost: Cost) -> Load:
    per_call_of_receipts = RECEIPTS_A_CALL * cost.receipt_ms, RECEIPTS_A_CALL * cost.receipt_ledger_ms
    return Load(
        slices=rate / CALLS_IN_A_SLICE,
        redis=CALLS_IN_A_SLICE * cost.redis_ms / 1000,
        workers=CALLS_IN_A_SLICE * (cost.worker_ms + per_call_of_receipts[0]) / 1000,
        ledger=CALLS_IN_A_SLICE * (cost.ledger_ms + per_call_of_receipts[1]) / 1000,
    )
