"""`dialer run` against a server of the vendor's document that is none of ours."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.beside import beside
from tests.support.dialers import wait_for
from tests.support.shell import CONTACTS, SETTINGS, Shell, processes_in

LOOKS_WHILE_TALKING = 2


class Vendor(ThreadingHTTPServer):
    """Reads start.informer_call and list.calls as the document has them, and nothing more."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), VendorHandler)
        self.calls: list[dict[str, Any]] = []
        self.looks: Counter[int] = Counter()
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v4.0"


class VendorHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendor

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.guard:
            data = self.start(asked["params"]) if asked["method"] == "start.informer_call" else self.listed()
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {"data": data}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def start(self, params: dict[str, Any]) -> dict[str, int]:
        self.server.calls.append(params)
        return {"call_session_id": len(self.server.calls)}

    def listed(self) -> list[dict[str, Any]]:
        alive = []
        for number, params in enumerate(self.server.calls, start=1):
            self.server.looks[number] += 1
            if self.server.looks[number] <= LOOKS_WHILE_TALKING:
                alive.append(_session(number, params))
        return alive

    def log_message(self, *_: object) -> None:
        pass


def _session(number: int, params: dict[str, Any]) -> dict[str, Any]:
    leg = {
        "leg_id": 1,
        "calling_phone_number": params["virtual_phone_number"],
        "called_phone_number": params["contact"],
        "is_operator": False,
        "employee_id": None,
        "employee_full_name": None,
        "record_call_enabled": True,
        "state": "Talk",
    }
    return {
        "call_session_id": number,
        "direction": "in",
        "start_time": "2026-12-01T12:26:48.418",
        "virtual_phone_number": params["virtual_phone_number"],
        "contact_phone_number": params["contact"],
        "external_id": params["external_id"],
        "tags": [],
        "legs": [leg],
    }


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    server = Vendor()
    with beside(server):
        yield server


@pytest.mark.stack
def test_a_run_brings_up_what_it_needs_and_prints_its_report_as_json(vendor, tmp_path):
    shell = Shell.prepared(tmp_path, settings=SETTINGS + "poll_seconds = 1\n")
    ran = shell.run("run", "first.yaml", "--json", timeout=110, DIALER_ACCOUNTS__MAIN__BASE_URL=vendor.url)
    assert ran.code == 0, ran.out + ran.err
    report = ran.json
    assert report["campaign"] == "first-1"
    assert report["contacts"] == 3
    assert report["final"] == {"reached": 3}
    assert report["attempts"] == 3
    assert report["rejects"] is None
    assert len(Path(report["report"]).read_text().splitlines()) == 4
    assert Counter(call["contact"] for call in vendor.calls) == {
        "14155550101": 1,
        "12125550102": 1,
        "13125550103": 1,
    }
    assert vendor.calls[0]["contact_message"]["type"] == "tts"
    assert processes_in(tmp_path) == []


@pytest.mark.stack
def test_a_run_with_bad_rows_calls_the_good_ones_when_asked_to(vendor, tmp_path):
    shell = Shell.prepared(tmp_path, settings=SETTINGS + "poll_seconds = 1\n")
    shell.write("first.csv", CONTACTS + "+1415555,Dan\n")
    ran = shell.run(
        "run", "first.yaml", "--json", "--skip-rejects", timeout=110, DIALER_ACCOUNTS__MAIN__BASE_URL=vendor.url
    )
    assert ran.code == 0, ran.out + ran.err
    assert ran.json["final"] == {"reached": 3}
    assert ran.json["rejected"] == 1
    assert "Dan" in Path(ran.json["rejects"]).read_text(encoding="utf-8-sig")


@pytest.mark.stack
def test_a_run_that_is_interrupted_pauses_and_hears_the_calls_on_the_line_to_their_end(vendor, tmp_path):
    shell = Shell.prepared(tmp_path, settings=SETTINGS + "poll_seconds = 1\n")
    shell.write("first.yaml", (tmp_path / "first.yaml").read_text() + "pace: 0.2\n")
    running = shell.begin("run", "first.yaml", DIALER_ACCOUNTS__MAIN__BASE_URL=vendor.url)
    try:
        wait_for(lambda: bool(vendor.calls))
        said = shell.end(running)
    finally:
        running.process.kill()
    assert "first-1 is paused; go on with: dialer up, then dialer resume first-1" in " ".join(said.split())
    stands = shell.run("status", "first-1", "--json").json
    assert stands["status"] == "paused"
    assert stands["by_status"] == {"pending": 2, "reached": 1}
    assert processes_in(tmp_path) == []
