"""A list with a URL comes from the server that the campaign file names, and never beyond bounds."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from campaigns.audience.download import DownloadFailed, download

LIST = b"phone,name\n+14155550101,Ann\n"
Headers = dict[str, str]


@contextmanager
def served(
    body: bytes = LIST, status: int = 200, headers: Headers | None = None
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
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(megabytes)), packer.flush()])


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
        (bomb(64), {"Content-Encoding": "gzip"}, "it unpacks from"),
        (bomb(15) * 5, {"Content-Encoding": "gzip"}, "it unpacks from"),
    ],
    ids=["twice", "two headers", "another", "deflate", "none", "cut off", "bomb", "bomb in parts"],
)
def test_what_unpacks_to_too_much_or_cannot_be_bounded_is_refused(tmp_path, body, headers, said):
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


def test_a_link_that_another_user_laid_is_not_written_through(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in (".daily-list.csv.part", ".daily-list.csv"):
        (tmp_path / name).symlink_to(victim)
    with served() as (url, _):
        file = download(f"{url}/list.csv", tmp_path, "daily")
    assert victim.read_text() == "precious"
    assert (file.read_bytes(), file.is_symlink(), file.stat().st_mode & 0o777) == (LIST, False, 0o600)
