"""The worker's way to its broker says that it is lost when it is, so that the worker mends it and lives on."""

from __future__ import annotations

import pytest
import redis
from celery import Celery

from workers import broker


@pytest.fixture
def app(redis_url: str) -> Celery:
    broker.install()
    return Celery("broker-test", broker=redis_url, set_as_current=False)


def test_a_channel_whose_connection_is_gone_says_so(app):
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        assert isinstance(channel, broker.Channel)
        assert channel.client.ping()
        channel.connection.client = None
        with pytest.raises(redis.ConnectionError, match="is closed"):
            channel._connparams()
        assert redis.ConnectionError in connection.connection_errors, "and that is an error that Celery mends"
        channel.connection.client = connection
