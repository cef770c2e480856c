"""Nudges: a worker is asked to release an account's calls now, so that no single call waits for the next tick."""

from __future__ import annotations

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from workers.queues import TICKS, nudge_key
from workers.settings import Settings

RELEASE_NOW = "workers.tasks.release_now"
SECONDS = 1.0  # how long Redis may take, and for how long a nudge that was lost keeps others away
BROKER = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}


class Nudges:
    """Asks the workers of this installation; safe to use from many threads. Nudges that wait are sent once."""

    def __init__(self, settings: Settings) -> None:
        address = settings.redis_address
        self._server = address.client(timeout=SECONDS)
        self._app = Celery("nudges", set_as_current=False)
        broker = address.celery()
        options = {**broker.get("broker_transport_options", {}), **BROKER}
        self._app.conf.update(broker | {"broker_transport_options": options})

    def nudge(self, account: str) -> bool:
        """Have the account's due calls released at once; False where Redis does not answer: the next tick does it."""
        try:
            if self._server.set(nudge_key(account), "", nx=True, px=round(SECONDS * 1000)):
                self._app.send_task(RELEASE_NOW, args=[account], queue=TICKS, retry=False, ignore_result=True)
        except (OSError, OperationalError, RedisError):
            return False
        return True

    def close(self) -> None:
        """Close its connections."""
        self._app.close()
        self._server.close()
