"""Inserts: those that say what to do about a row that is there, and those of many rows at once.

Many rows go through the store's own driver, past SQLAlchemy's work per row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from itertools import chain
from typing import Any, TypeVar, cast

from sqlalchemy import BigInteger, Connection, Integer, Table
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from campaigns.ledger.tables import UtcTime

T = TypeVar("T")
CACHE_KB = 65_536  # of SQLite's pages, for as long as this connection lives
ROWS_A_STATEMENT = 1000  # SQLite takes 32,766 values in one
OTHER_SIZES = (100, 10, 1)  # of what is left: of each length a statement is kept, so there are few
ASKED = "rows whose checks have been asked"  # of a draft's connection, in its `info`


def insert_into(db: Connection, table: Table) -> Insert:
    """An insert that takes `on_conflict_do_update` and `on_conflict_do_nothing`, which both stores write alike.

    The dialect in use is imported already; the other store's would take a short command longer than its work.
    """
    dialect = import_module(f"sqlalchemy.dialects.{db.dialect.name}")
    return cast(Insert, dialect.insert(table))


def insert_rows(
    db: Connection, table: Table, constants: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows whose values are in the order of `columns`; `constants` are the columns that are equal in all.

    The table's checks may concern the constants only, and columns that are not given: SQLite asks them of the first
    row alone. Raises SQLAlchemy's errors, as everywhere.
    """
    if not rows:
        return
    if db.dialect.name == "postgresql":
        _copy(db, table, (*constants, *columns), tuple(constants.values()), rows)
        return
    db.exec_driver_sql(f"PRAGMA cache_size=-{CACHE_KB}")  # else the indexes' pages are written and read again and again
    _insert_checking_one(db, table, (*constants, *columns), tuple(constants.values()), rows)


def even_size(rows: int) -> int:
    """As many rows or somewhat fewer, which take few statements."""
    size = next((size for size in (ROWS_A_STATEMENT, *OTHER_SIZES) if 10 * size <= rows), 1)
    return rows - rows % size


def _insert_checking_one(
    db: Connection, table: Table, names: tuple[str, ...], constants: tuple[Any, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """The checks take a quarter of the time; to turn them off takes another, for SQLite prepares all statements anew.

    On the connection of a draft they stay off, and are asked no more of rows with the same constants.
    """
    stays, asked = db.get_execution_options().get("drafting", False), (table.name, names, constants)
    if db.info.get(ASKED) != asked:
        _check_rows(db, True)
        _insert(db, table, names, constants, rows[:1])
        _check_rows(db, False)
        rows = rows[1:]
        if stays:
            db.info[ASKED] = asked
    try:
        for part in _parts(rows):
            _insert(db, table, names, constants, part)
    finally:
        if not stays:
            _check_rows(db, True)


def _check_rows(db: Connection, checks: bool) -> None:
    db.exec_driver_sql(f"PRAGMA ignore_check_constraints={'OFF' if checks else 'ON'}")


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in parts of few sizes."""
    at = 0
    for size in (ROWS_A_STATEMENT, *OTHER_SIZES):
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size


def _insert(
    db: Connection, table: Table, names: tuple[str, ...], constants: tuple[Any, ...], rows: Sequence[Sequence[Any]]
) -> None:
    statement = _insert_statement(table.name, names, len(constants), len(rows))
    db.exec_driver_sql(statement, (*constants, *chain.from_iterable(rows)))


@cache
def _insert_statement(table: str, names: tuple[str, ...], constants: int, rows: int) -> str:
    """SQL that takes the constants once, then the values of each row."""
    places = [*(f"?{number}" for number in range(1, constants + 1)), *"?" * (len(names) - constants)]
    row = f"({', '.join(places)})"
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([row] * rows)}"  # noqa: S608  # our own names


def _copy(
    db: Connection, table: Table, names: tuple[str, ...], constants: tuple[Any, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """In COPY's binary format, which both sides make and read in a third less time than text."""
    import psycopg  # a ledger in SQLite needs none of it

    driver = cast(psycopg.Connection[Any], db.connection.driver_connection)
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_sent_as(table.c[name].type) for name in names])
            for row in rows:
                copy.write_row((*constants, *row))
    except psycopg.Error as exc:
        raise DBAPIError.instance(
            statement, None, exc, psycopg.Error, hide_parameters=True, dialect=db.dialect
        ) from exc


def _sent_as(column: TypeEngine[Any]) -> str:
    """PostgreSQL's name of the type whose binary form a column takes: that of JSON is its text."""
    if isinstance(column, UtcTime):
        return "timestamptz"
    if isinstance(column, Integer):
        return "int8" if isinstance(column, BigInteger) else "int4"
    return "text"
