"""Whether a child does its work: small questions that are answered yes or no, never with an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import redis
from celery import Celery
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

Health = Callable[[], bool]

TIMEOUT_SECONDS = 1.0


def http_ok(url: str) -> Health:
    """Yes when the URL answers 200. No proxy of the environment is asked."""

    def ask() -> bool:
        try:
            return httpx.get(url, timeout=TIMEOUT_SECONDS, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return ask


def redis_client(url: str) -> redis.Redis:
    """A client that asks once: no retry, short time-outs."""
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def redis_pings(url: str) -> Health:
    """Yes when a Redis answers there and has read its files."""

    def ask() -> bool:
        try:
            with redis_client(url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    return ask


def worker_pings(broker: str, node: str) -> Health:
    """Yes when the Celery worker of that name answers `ping` on the broker."""

    def ask() -> bool:
        try:
            with Celery("health", broker=broker, set_as_current=False) as app:
                return bool(app.control.inspect(destination=[node], timeout=TIMEOUT_SECONDS).ping())
        except (OSError, OperationalError, redis.RedisError):
            return False

    return ask


def file_written(files: str, folder: Path, since: float) -> Health:
    """Yes when a file of that pattern was written after `since` (seconds since the epoch)."""
    return lambda: any(file.stat().st_mtime >= since - 1 for file in folder.glob(files))
