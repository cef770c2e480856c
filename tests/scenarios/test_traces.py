"""A campaign's attempts are traced over all processes: a real receiver joins what each of them tells."""

from __future__ import annotations

import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.dialers import wait_for
from tests.support.shell import CAMPAIGN, CONTACTS, Shell
from workers.stack.info import running_stack

pytestmark = pytest.mark.stack

WAY = {"claim", "token", "request", "answer", "outcome"}


class Receiver(ThreadingHTTPServer):
    """Takes OTLP over HTTP, and keeps each span with the process that has told it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Take)
        self.spans: list[tuple[str, Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def traces(self) -> dict[str, dict[str, list[tuple[str, Any]]]]:
        """Of each trace, by its id, the spans of each name."""
        by_trace: dict[str, dict[str, list[tuple[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        for process, span in list(self.spans):
            by_trace[span.trace_id.hex()][span.name].append((process, span))
        return by_trace


class Take(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert (self.path, self.headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        assert isinstance(self.server, Receiver)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            facts = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            spans = [span for scope in resource.scope_spans for span in scope.spans]
            self.server.spans += [(facts["service.instance.id"], span) for span in spans]
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Receiver:
    """What was received while a small campaign ran, whose outcomes come by receipts."""
    shell, receiver = Shell.prepared(tmp_path_factory.mktemp("traces"), settings=""), Receiver()
    shell.write("first.yaml", CAMPAIGN.replace("account: main", "account: webex"))
    shell.write("first.csv", CONTACTS)
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.address, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    up = shell.begin("up", "--sandbox", "--speed", "50", "--workers", "1", **given)
    try:
        wait_for(lambda: running_stack(shell.folder / ".dialer") is not None)
        assert shell.run("start", "first.yaml").code == 0
        assert shell.run("watch", "first").code == 0
        wait_for(lambda: sum("attempt" in spans for spans in receiver.traces().values()) >= 3)
    finally:
        shell.end(up)
    receiver.shutdown()
    receiver.server_close()
    return receiver


def test_each_attempt_is_one_trace_from_its_claim_to_its_outcome(receiver: Receiver) -> None:
    whole = [spans for spans in receiver.traces().values() if "outcome" in spans]
    assert len(whole) >= 3
    for spans in whole:
        assert set(spans) >= WAY
        ((_, root),) = spans["attempt"][:1]
        assert root.parent_span_id == b""
        others = [span for name, told in spans.items() if name != "attempt" for _, span in told]
        assert {span.parent_span_id for span in others} == {root.span_id}
        assert min(span.start_time_unix_nano for span in others) >= root.start_time_unix_nano
        (attempt,) = {_facts(span)["dialer.attempt"] for span in (root, *others)}
        assert attempt.replace("-", "") == root.trace_id.hex()


def test_worker_and_console_tell_of_the_same_trace(receiver: Receiver) -> None:
    of_receipts = [spans for spans in receiver.traces().values() if "receipt" in spans]
    assert of_receipts
    assert {process for spans in of_receipts for process, _ in spans["request"]} == {"worker1"}
    assert "console" in {process for spans in of_receipts for process, _ in spans["receipt"]}


def test_spans_have_ids_and_words_of_ours_alone(receiver: Receiver) -> None:
    told = "".join(str(span) for _, span in receiver.spans)
    for word in ("4155550101", "2125550102", "Alice", "reminder of"):
        assert word not in told


def _facts(span: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in span.attributes}
