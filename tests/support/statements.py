"""The statements that a ledger's store is asked to run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from campaigns.ledger.store import Ledger


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """The texts of the statements that run while the block does, in their order."""
    texts: list[str] = []

    def keep(_db: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        texts.append(text)

    event.listen(ledger.engine, "before_cursor_execute", keep)
    try:
        yield texts
    finally:
        event.remove(ledger.engine, "before_cursor_execute", keep)


@contextmanager
def sqlite_plans(ledger: Ledger) -> Iterator[list[str]]:
    """How SQLite answers each query of the block: by which indexes, and what it sorts. Empty on another store."""
    plans: list[str] = []

    def explain(db: Any, cursor: Any, text: str, parameters: Any, *_rest: Any) -> None:
        if text.lstrip().startswith("SELECT") and db.dialect.name == "sqlite":
            plans.extend(row[3] for row in db.connection.execute(f"EXPLAIN QUERY PLAN {text}", parameters))

    event.listen(ledger.engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(ledger.engine, "before_cursor_execute", explain)
