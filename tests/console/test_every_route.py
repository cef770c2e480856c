"""Every route of the console, asked by schemathesis with what fits its schema and with what does not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation

from console.web.app import create_app
from tests.console.conftest import Console
from tests.support import console_server

EXAMPLES = 4  # of each kind, for each route and method
BASIC = "Basic " + base64.b64encode(f"operator:{console_server.PASSWORD}".encode()).decode()
FEW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    verbosity=Verbosity.quiet,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> list[APIOperation]:  # type: ignore[type-arg]
    """Every route with each of its methods, by the app's own schema, which it serves to nobody."""
    folder = tmp_path_factory.mktemp("schema")
    app = create_app(console_server.settings(folder, f"sqlite:///{folder / 'ledger.sqlite3'}"))
    schema = schemathesis.openapi.from_dict(app.openapi())
    return [operation.ok() for operation in schema.get_all_operations()]


@pytest.fixture(scope="module")
def cases(operations: list[APIOperation]) -> list[schemathesis.Case]:  # type: ignore[type-arg]
    """A few requests of each that fit the schema, and a few that do not; both stores get the same."""
    return [case for operation in operations for mode in GenerationMode for case in cases_of(operation, mode)]


def cases_of(operation: APIOperation, mode: GenerationMode) -> Iterator[schemathesis.Case]:  # type: ignore[type-arg]
    made: list[schemathesis.Case] = []

    @FEW
    @given(operation.as_strategy(generation_mode=mode))
    def make(case: schemathesis.Case) -> None:  # type: ignore[type-arg]
        made.append(case)

    with suppress(Unsatisfiable):  # nothing of this route could be wrong
        make()
    return iter(made)


@pytest.mark.slow
def test_no_request_is_a_fault_of_ours(
    console: Console,
    operations: list[APIOperation],  # type: ignore[type-arg]
    cases: list[schemathesis.Case],  # type: ignore[type-arg]
) -> None:
    console_server.add_campaign(console.ledger, now=console.clock())
    for case in cases:
        reply = case.call(base_url=console.address, headers={"Authorization": BASIC}, timeout=10)
        where = f"{case.method} {reply.request.url}: {reply.status_code}"
        assert reply.status_code < 500 or (reply.status_code == 503 and case.operation.path == "/readyz"), where
        assert "Traceback" not in reply.text, where
        assert reply.headers["x-content-type-options"] == ["nosniff"], where
    assert len(cases) > 50
    assert {operation.path for operation in operations} >= {
        "/",
        "/metrics",
        "/api/campaigns",
        "/receipts/{account}/{secret}",
    }
