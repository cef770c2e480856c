"""Inserts many rows at once through the store's own driver, past SQLAlchemy's work per row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import psycopg
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

CACHE_KB = 65_536  # of SQLite's pages, for as long as this connection lives


def insert_rows(db: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows whose values are in the order of these columns. Raises SQLAlchemy's errors, as everywhere."""
    if not rows:
        return
    if db.dialect.name == "postgresql":
        _copy(db, f"COPY {table.name} ({', '.join(columns)}) FROM STDIN", rows)
        return
    db.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KB}")  # else the indexes' pages are written and read again and again
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    db.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({places})", list(rows))  # noqa: S608  # our own names


def _copy(db: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    driver = cast(psycopg.Connection[Any], db.connection.driver_connection)
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as exc:
        raise DBAPIError.instance(
            statement, None, exc, psycopg.Error, hide_parameters=True, dialect=db.dialect
        ) from exc
