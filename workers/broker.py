"""Celery's way to Redis, with one repair: a worker outlives the loss of its broker.

kombu 5.7.0 asks a channel for its connection's address after that connection has been given up (an acknowledgement that
comes late), finds none, and the AttributeError ends the worker. Here it is the lost connection that it is, which the
worker knows how to mend.
"""

from __future__ import annotations

from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES, _transport_cache
from kombu.transport import redis as kombu_redis


class Channel(kombu_redis.Channel):
    """A channel that says so when its connection is gone."""

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise redis.ConnectionError("the connection to the broker has been given up")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[no-untyped-call]


class Transport(kombu_redis.Transport):
    """Redis, by such channels."""

    Channel = Channel


def install() -> None:
    """Make it the transport of every redis:// and rediss:// URL in this process."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = "workers.broker:Transport"
        _transport_cache.pop(scheme, None)  # whoever asked before has had kombu's own
