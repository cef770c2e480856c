"""The kinds of columns, constraints and indexes that the ledger's tables are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Text,
    TextClause,
)
from sqlalchemy.sql import operators
from sqlalchemy.types import Concatenable, TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the ledger keeps aware times only")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    # SQLite keeps it as text, which SQLAlchemy writes and reads in two steps each, four times as slow as in one.
    def bind_processor(self, dialect: Dialect) -> Any:
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _as_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("the ledger keeps aware times only")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


COMPARISONS_OF_WORDS = (
    *(operators.in_op, operators.not_in_op, operators.like_op, operators.not_like_op),
    *(operators.startswith_op, operators.endswith_op, operators.contains_op),
    *(operators.ilike_op, operators.regexp_match_op, operators.match_op),
)


class Sentence(TypeDecorator[str]):
    """Words for people. No statement compares them: what the program decides by has a column of its own."""

    impl = Text
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[str], Concatenable.Comparator[str]):
        """Lets sentences be joined, counted by and looked for, and refuses to compare what they say."""

        def operate(self, op: Any, *other: Any, **named: Any) -> ColumnElement[Any]:
            if op in COMPARISONS_OF_WORDS or (operators.is_comparison(op) and other != (None,)):
                raise TypeError("sentences are for people: decide by a typed column")
            return super().operate(op, *other, **named)

    comparator_factory: Any = Comparator

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value


def one_of(column: str, values: Iterable[StrEnum]) -> str:
    """SQL for: the column holds one of these values."""
    quoted = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({quoted})"


def known_values(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """The column holds one of these values, or nothing if it may be empty."""
    return CheckConstraint(one_of(column, values), name=column)


def together(name: str, condition: str, *columns: str) -> CheckConstraint:
    """Every one of these columns is filled where the condition is true, and none where it is not."""
    filled = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    empty = " AND ".join(f"{column} IS NULL" for column in columns)
    return CheckConstraint(f"({condition} AND {filled}) OR (NOT ({condition}) AND {empty})", name=name)


def partial_index(name: str, *columns: str, where: TextClause, unique: bool = False) -> Index:
    """An index of the rows for which this is true, on both stores.

    The condition is named to SQLite's dialect only: naming PostgreSQL's here would import all of its drivers.
    """
    return Index(name, *columns, unique=unique, sqlite_where=where)


RowId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
