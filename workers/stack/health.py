"""Health checks of child processes: functions that return True or False and never raise."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from dialer.redis_address import RedisAddress

Health = Callable[[], bool]

TIMEOUT_SECONDS = 1.0


def http_ok(url: str) -> Health:
    """True when this URL of plain HTTP replies 200. Proxy variables of the environment are ignored."""
    parts = urlsplit(url)

    def check() -> bool:
        # The library's own client: another would stay in the memory of who supervises.
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", parts._replace(scheme="", netloc="").geturl())
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    return check


def redis_client(address: RedisAddress) -> redis.Redis:
    """A Redis client without retries, with short time-outs."""
    return address.client(timeout=TIMEOUT_SECONDS)


def redis_pings(address: RedisAddress) -> Health:
    """True when the Redis there answers and has loaded its files."""

    def check() -> bool:
        try:
            with redis_client(address) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    return check


def node_pings(broker: RedisAddress, node: str) -> Health:
    """True when the Celery worker or beat of this name answers `ping` through the broker."""

    def check() -> bool:
        try:
            with Celery("health", set_as_current=False) as app:
                app.conf.update(broker.celery())
                return bool(app.control.inspect(destination=[node], timeout=TIMEOUT_SECONDS).ping())
        except (OSError, OperationalError, redis.RedisError):
            return False

    return check
