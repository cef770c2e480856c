"""A list with a URL comes from the server that the campaign file names, and never beyond bounds."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from campaigns.audience.files.download import DownloadFailed, download
from tests.support.beside import beside
from tests.support.certificates import certificates

LIST = b"phone,name\n+14155550101,Ann\n"
Headers = dict[str, str]


Write = Callable[[bytes], object]


def at_once(write: Write, content: bytes) -> None:
    write(content)


@contextmanager
def served(
    body: bytes = LIST,
    status: int = 200,
    headers: Headers | None = None,
    *,
    tls: dict[str, Path] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    send: Callable[[Write, bytes], None] = at_once,
) -> Iterator[tuple[str, list[Headers]]]:
    """A server that answers everything with this; its address, and the headers that it was asked with."""
    asked: list[Headers] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(dict(self.headers))
            self.send_response(status)
            for name, value in (headers or {}).items():
                for each in value.split("\n"):
                    self.send_header(name, each)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):
                send(self.wfile.write, body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:  # who asks may hang up
            pass

    server = Server((host, port), Handler)
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls["server"], tls["server key"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with beside(server) as taken:
        yield f"http{'s' if tls else ''}://{host}:{taken}", asked


def bomb(megabytes: int, parts: int = 1) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(megabytes)), packer.flush()]) * parts


def fetch(url: str, folder: Path, **facts: object) -> bytes:
    return download(f"{url}/list.csv", folder, "daily", **facts).read_bytes()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (LIST, {}),
        (LIST, {"Content-Encoding": "identity"}),
        (gzip.compress(LIST), {"Content-Encoding": "gzip"}),
        (gzip.compress(LIST[:9]) + gzip.compress(LIST[9:]), {"Content-Encoding": "x-gzip"}),
    ],
    ids=["plain", "identity", "gzip", "two gzip members"],  # each worker gets other bytes: gzip writes the time
)
def test_a_list_comes_plain_or_by_gzip(tmp_path, body, headers):
    with served(body, headers=headers) as (url, asked):
        assert fetch(url, tmp_path) == LIST
    assert asked[0]["Accept-Encoding"] == "gzip"


def test_a_long_list_by_gzip_is_whole(tmp_path):
    long = LIST + b"".join(b"+1415555%04d,Ann\n" % number for number in range(10_000)) * 20
    with served(gzip.compress(long), headers={"Content-Encoding": "gzip"}) as (url, _):
        assert fetch(url, tmp_path) == long


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (gzip.compress(gzip.compress(LIST)), {"Content-Encoding": "gzip, gzip"}, "it sends the list as gzip, gzip"),
        (gzip.compress(gzip.compress(LIST)), {"Content-Encoding": "gzip\ngzip"}, "it sends the list as gzip, gzip"),
        (LIST, {"Content-Encoding": "br"}, "it sends the list as br"),
        (zlib.compress(LIST), {"Content-Encoding": "deflate"}, "it sends the list as deflate"),
        (LIST, {"Content-Encoding": "gzip"}, "not gzip"),
        (gzip.compress(LIST * 100)[:-20], {"Content-Encoding": "gzip"}, "cut off"),
        (partial(bomb, 64), {"Content-Encoding": "gzip"}, "it unpacks from"),
        (partial(bomb, 15, parts=5), {"Content-Encoding": "gzip"}, "it unpacks from"),
    ],
    ids=["twice", "two headers", "another", "deflate", "none", "cut off", "bomb", "bomb in parts"],
)
def test_what_unpacks_to_too_much_or_cannot_be_bounded_is_refused(tmp_path, body, headers, said):
    body = body() if callable(body) else body  # a bomb is made for its test only
    with served(body, headers=headers) as (url, _), pytest.raises(DownloadFailed, match=said):
        fetch(url, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_on_the_same_server_is_followed_a_few_times(tmp_path):
    with served(status=302, headers={"Location": "/next.csv"}) as (url, asked):
        with pytest.raises(DownloadFailed, match="from one address to the next"):
            fetch(url, tmp_path)
        assert len(asked) == 6


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://localhost:{port}/healthz", "to another host, localhost"),
        ("//localhost:{port}/healthz", "to another host, localhost"),
        ("http://127.0.0.1:{port}/healthz", "to another port, {port}"),
        ("http://127.1:{port}/healthz", "to another host, 127.1"),
        ("file:///etc/passwd", "to an address of file"),
        ("ftp://127.0.0.1/list", "to an address of ftp"),
        ("http://169.254.169.254/latest/meta-data", "to another host, 169.254.169.254"),
        ("http://[::ffff:127.0.0.1]:{port}/", "to another host, ::ffff:127.0.0.1"),
        ("http://[::1]:{port}/", "to another host, ::1"),
        ("http://2130706433:{port}/", "to another host, 2130706433"),
        ("http://127.0.0.1.:{port}/", "to another host, 127.0.0.1."),
        ("http://127.0.0.1@localhost:{port}/", "to another host, localhost"),
        ("http://127.0.0.1:{port}@169.254.169.254/", "to another host, 169.254.169.254"),
        ("http://127.0.0.1\\@169.254.169.254/", "to another host, 169.254.169.254"),
    ],
)
def test_a_redirect_to_another_server_is_refused_before_it_is_asked(tmp_path, location, said):
    with served() as (other, asked):
        port = other.rsplit(":", 1)[1]
        with served(status=302, headers={"Location": location.format(port=port)}) as (url, _):
            with pytest.raises(DownloadFailed, match=said.format(port=port)) as refused:
                fetch(url, tmp_path)
            assert "contacts.redirect_hosts" in refused.value.remedy
    assert asked == []


def test_a_host_that_the_campaign_file_names_may_be_led_to(tmp_path):
    with served() as (other, _), served(status=307, headers={"Location": f"{other}/list.csv"}) as (url, _):
        assert fetch(url, tmp_path, redirect_hosts=["127.0.0.1"]) == LIST


def test_a_redirect_to_what_is_no_address_is_named(tmp_path):
    headers = {"Location": "http://127.0.0.1:80 80/"}
    with served(status=302, headers=headers) as (url, _), pytest.raises(DownloadFailed, match="location header"):
        fetch(url, tmp_path)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return certificates(tmp_path_factory.mktemp("tls") / "pki")


@pytest.fixture
def trusted(pki, monkeypatch):
    """Certificates of an authority that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pki["authority"]))
    return pki


def test_a_server_whose_certificate_nobody_vouches_for_gives_no_list(tmp_path, pki):
    with served(tls=pki) as (url, asked), pytest.raises(DownloadFailed, match="certificate verify failed"):
        fetch(url, tmp_path)
    assert asked == []


def test_a_redirect_from_https_to_http_is_refused_unless_the_campaign_file_allows_it(tmp_path, trusted):
    with served() as (plain, asked), served(status=301, headers={"Location": plain}, tls=trusted) as (url, _):
        with pytest.raises(DownloadFailed, match="from https to http") as refused:
            fetch(url, tmp_path)
        assert "contacts.redirect_hosts" in refused.value.remedy
        assert asked == []
        assert fetch(url, tmp_path, redirect_hosts=["127.0.0.1"]) == LIST


def test_a_redirect_from_http_to_https_and_on_it_needs_the_ports_of_both(tmp_path, trusted):
    """From 80 to 443 it is the same server; from any port to any other nobody can know."""
    with served(tls=trusted) as (secure, asked), served(status=301, headers={"Location": secure}) as (url, _):
        with pytest.raises(DownloadFailed, match="to another port"):
            fetch(url, tmp_path)
        assert asked == []
        assert fetch(url, tmp_path, redirect_hosts=["127.0.0.1"]) == LIST


@pytest.fixture
def rebound(monkeypatch):
    """A name that leads to 127.0.0.1 once, and then to another address of this machine, as whoever owns it can do."""
    addresses = iter(["127.0.0.1"])
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *args, **named):
        is_ours = host in ("lists.test", b"lists.test")
        return resolve(next(addresses, "127.0.0.2") if is_ours else host, *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return "lists.test"


def test_a_name_that_leads_to_an_internal_address_after_a_redirect_is_refused_unless_allowed(tmp_path, rebound):
    headers = {"Location": "/next.csv", "Connection": "close"}
    with served(status=302, headers=headers) as (url, _):
        port = int(url.rsplit(":", 1)[1])
        with served(host="127.0.0.2", port=port) as (_, asked):
            with pytest.raises(DownloadFailed, match="to an internal address") as refused:
                fetch(f"http://{rebound}:{port}", tmp_path)
            assert "contacts.redirect_hosts" in refused.value.remedy
            assert asked == [], "it is told before anything is sent there"


def test_a_name_that_leads_to_an_internal_address_is_followed_where_the_campaign_file_names_it(tmp_path, rebound):
    headers = {"Location": "/next.csv", "Connection": "close"}
    with served(status=302, headers=headers) as (url, _):
        port = int(url.rsplit(":", 1)[1])
        with served(host="127.0.0.2", port=port):
            assert fetch(f"http://{rebound}:{port}", tmp_path, redirect_hosts=[rebound]) == LIST


def a_byte_a_time(write: Write, content: bytes) -> None:
    for byte in content:
        write(bytes([byte]))
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("body", "headers"),
    [(LIST * 10, {}), (gzip.compress(LIST * 10), {"Content-Encoding": "gzip"})],
    ids=["plain", "gzip"],
)
def test_a_list_that_is_sent_a_byte_a_time_is_given_up(tmp_path, body, headers):
    with (
        served(body, headers=headers, send=a_byte_a_time) as (url, _),
        pytest.raises(DownloadFailed, match="sends too slowly"),
    ):
        fetch(url, tmp_path, max_seconds=1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_leads_on_slowly_has_no_more_time_than_another(tmp_path):
    began = time.monotonic()
    location = {"Location": "/next.csv"}
    with served(b"x" * 1000, 302, location, send=a_byte_a_time) as (url, _), pytest.raises(DownloadFailed):
        fetch(url, tmp_path, max_seconds=1.0)
    assert time.monotonic() - began < 60, "it would take a hundred"


def test_a_link_that_another_user_laid_is_not_written_through(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in (".daily-list.csv.part", ".daily-list.csv"):
        (tmp_path / name).symlink_to(victim)
    with served() as (url, _):
        file = download(f"{url}/list.csv", tmp_path, "daily")
    assert victim.read_text() == "precious"
    assert (file.read_bytes(), file.is_symlink(), file.stat().st_mode & 0o777) == (LIST, False, 0o600)
