"""Receipts: how long a provider waits for its 200 while so many arrive each second"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import aiohttp

from benchmarks.console_process import console
from benchmarks.figures import Figures
from benchmarks.steady import at_rate, timed

RATES = (50, 200)  # receipts in a second
SECONDS = 10
KINDS = (("OFFERED", "7407"), ("ACCEPTED", "7408"), ("ANSWERED", "7519"), ("DROPPED", "7409"), ("Released", "7405"))


def measure() -> Iterator[Figures]:
    """Deliveries at a steady rate, however long answers take, to a console in its own process on a SQLite ledger."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, console(Path(folder)) as served:
        for rate in RATES:
            run = uuid4()
            bodies = (receipt(number, run) for number in range(rate * SECONDS))
            waits, statuses = asyncio.run(deliver(f"{served.address}/receipts/bulk/s", rate, bodies))
            cuts = statistics.quantiles(waits, n=100)
            ok = "yes" if statuses == {200} else f"no: {sorted(statuses)}"
            rows.append((str(rate), str(len(waits)), *(f"{1000 * cuts[at - 1]:.0f}" for at in (50, 95, 99)), ok))
    yield Figures(
        title="Milliseconds until 200",
        columns=("receipts/s", "receipts", "median", "95 %", "99 %", "all 200"),
        rows=rows,
        note="Stored on disk before the answer (SQLite, synchronous=FULL); 5 receipts a call, all of them new.",
    )


async def deliver(door: str, rate: int, bodies: Iterable[bytes]) -> tuple[list[float], set[int]]:
    """Post receipts at this rate; how long each answer took, and the statuses."""
    connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=2)  # shorter than the server's: no race for its end
    async with aiohttp.ClientSession(connector=connector) as provider:
        return await at_rate(rate, bodies, lambda body: timed(provider.post(door, data=body)))


def receipt(number: int, run: UUID) -> bytes:
    """One of five receipts of a call, as Webex Connect sends it."""
    call = f"{run}-{number // len(KINDS)}"
    return receipt_of(call, str(uuid5(run, call)), number % len(KINDS))


def receipt_of(call: str, correlation: str, kind: int) -> bytes:
    """A receipt of this call, the kind counted as in `KINDS`."""
    word, code = KINDS[kind]
    info = {"timeStamp": "2026-12-01T15:00:01Z", "Description": word, "code": code, "deliveryStatus": word}
    body = {"deliveryInfo": info, "transid": call, "correlationid": correlation, "callbackData": ""}
    return json.dumps({"deliveryInfoNotification": body}).encode()
