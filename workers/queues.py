"""The queues of the broker, and the note that each release tick leaves there, so that others see that ticks come."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import redis

QUEUES = CALLS, TICKS, WEBHOOKS, LISTS = "calls", "ticks", "webhooks", "lists"
TICK_NOTE, WRITE_PROBE = "dialer:tick", "dialer:probe"
RELEASING = "dialer:releasing"
KEPT_MS, RELEASING_MS = 86_400_000, 3_000


def nudge_key(account: str) -> str:
    """Stands in Redis while a nudge for this account waits for a worker."""
    return f"dialer:nudge:{account}"


class TickNote(NamedTuple):
    """What the last release tick left, and how many ticks wait for a worker.

    age      seconds since one was taken or done, by Redis's own clock; None when there was none within a day
    trouble  what kept it from its work; blank when nothing did
    """

    age: float | None
    trouble: str
    queued: int


def begin_tick(server: redis.Redis) -> bool:
    """Leave word that a worker has taken a release tick; what the last one met with stays. Never raises.

    False while another worker is at one, for RELEASING_MS at the most: two at a time would get in each other's way.
    """
    with suppress(redis.RedisError), server.pipeline(transaction=False) as pipe:
        pipe.set(TICK_NOTE, "", nx=True)
        pipe.pexpire(TICK_NOTE, KEPT_MS)
        pipe.set(RELEASING, "", nx=True, px=RELEASING_MS)
        return bool(pipe.execute()[-1])
    return True  # without Redis nothing is released, and that is told


def end_tick(server: redis.Redis, trouble: str = "") -> None:
    """Leave word that a release tick is done, and what kept it from its work. Never raises."""
    with suppress(redis.RedisError), server.pipeline(transaction=False) as pipe:
        pipe.set(TICK_NOTE, trouble, px=KEPT_MS)
        pipe.delete(RELEASING)
        pipe.execute()


def queue_depths(server: redis.Redis) -> dict[str, int]:
    """How many tasks wait for a worker, by queue. Raises RedisError."""
    with server.pipeline(transaction=False) as pipe:
        for queue in QUEUES:
            pipe.llen(queue)
        return dict(zip(QUEUES, pipe.execute(), strict=True))


def read_ticks(server: redis.Redis) -> TickNote:
    """The note. Raises RedisError also where Redis answers and takes no writes."""
    with server.pipeline(transaction=False) as pipe:
        pipe.set(WRITE_PROBE, "", px=1000)
        pipe.get(TICK_NOTE)
        pipe.pttl(TICK_NOTE)
        pipe.llen(TICKS)
        _, note, left_ms, queued = pipe.execute()
    if note is None:
        return TickNote(None, "", queued)
    text = note.decode("utf-8", "replace") if isinstance(note, bytes) else note
    return TickNote(max(0.0, (KEPT_MS - left_ms) / 1000), text, queued)
