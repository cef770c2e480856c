"""Celery's Redis transport, in which a worker survives the loss of its broker and keeps its client.

A late acknowledgement makes kombu 5.7.0 ask a channel for the address of a connection that is closed already; the
AttributeError ends the worker. Here the channel raises a ConnectionError, after which the worker connects again.

kombu makes a new client object for each command, which takes longer than the command. Here a channel keeps one.
"""

from __future__ import annotations

from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES, _transport_cache
from kombu.transport import redis as kombu_redis


class Channel(kombu_redis.Channel):
    """A channel that raises ConnectionError when its connection is closed, and keeps one client for its commands."""

    _kept: redis.Redis | None = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[no-untyped-call]
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[no-untyped-call]
        return self._kept

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise redis.ConnectionError("the connection to the broker is closed")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[no-untyped-call]


class Transport(kombu_redis.Transport):
    """The Redis transport with these channels."""

    Channel = Channel


class SentinelChannel(Channel, kombu_redis.SentinelChannel):
    """The same behind Sentinels."""


class SentinelTransport(kombu_redis.SentinelTransport):
    """The Sentinel transport with these channels."""

    Channel = SentinelChannel


def install() -> None:
    """Use these transports for every URL of a Redis or a Sentinel in this process."""
    for scheme, transport in {"redis": Transport, "sentinel": SentinelTransport}.items():
        TRANSPORT_ALIASES[scheme] = f"workers.broker:{transport.__name__}"
        _transport_cache.pop(scheme, None)  # kombu may have cached its own transport already
