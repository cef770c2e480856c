"""The ledger's store: SQLite (WAL) or PostgreSQL, with the same statements on both."""

from __future__ import annotations

import hashlib
import math
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from campaigns.ledger.tables import campaigns
from dialer.errors import DialerError
from dialer.number_identity import spellings

T = TypeVar("T")
WRITE_TRIES = 5
HASHED = "hash:"  # what the hash of a number begins with
BUSY_TIMEOUT_MS = 60_000
ASKED_EVERY = 0.001  # seconds, at which a process asks whether another one's transaction is over
POOL, OVERFLOW = 8, 24  # connections that a process keeps, and opens beyond these at busy moments
SWITCH_TRIES = 200
ASKED_AFTER_SECONDS = 0.5
DURABLE = "synchronous=FULL"  # a call made is a call remembered, power cut or not
SESSION = "SELECT pg_backend_pid(), current_setting('synchronous_commit')"
ENCODING = "UTF8"
DAMAGED_STATES = {"XX001", "XX002"}
COMMITS_DURABLY = {"on", "remote_apply"}  # set otherwise, a server may forget what it has confirmed


class LedgerUnavailable(DialerError):
    """The ledger's store cannot be reached or written, so nothing may be dialed."""


class LedgerDamaged(LedgerUnavailable):
    """The store says that what it holds is damaged, or is no ledger."""


class Ledger:
    """All reading and writing of the ledger. Transactions are short: none stays open during a request to a provider."""

    def __init__(self, url: str, *, hash_key: str = "", durable: bool = True) -> None:
        """A SQLite ledger that is not `durable` waits for no disk: it is thrown away when its process ends."""
        self.url = url
        self._durability = DURABLE if durable else "synchronous=OFF"
        key = hashlib.sha256(hash_key.encode()).digest()
        self._hash = hashlib.blake2b(key=key, digest_size=20)
        self._seal = hashlib.blake2b(key=key, digest_size=20, person=b"audit")
        sqlite = url.startswith("sqlite")
        self.engine = _sqlite(url, self._durability) if sqlite else _postgres(url)
        self._served: WeakSet[Any] = WeakSet()  # PostgreSQL's: it keeps what is not closed
        if not sqlite:
            event.listen(self.engine, "connect", lambda dbapi, _record: self._served.add(dbapi))
        # SQLite has one writer at a time, and lets the others ask again at intervals in which nobody writes: the
        # threads of one process wait for each other before they ask.
        self._writers_lock: AbstractContextManager[Any] = threading.RLock() if sqlite else nullcontext()

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        return make_url(self.url).render_as_string(hide_password=True)

    @property
    def has_one_writer(self) -> bool:
        """Whether every transaction that writes waits for the one before it."""
        return self.engine.dialect.name == "sqlite"

    def keyed_hash(self, phone: str) -> str:
        """A number's keyed hash: equal numbers have equal hashes, and without the key it does not reveal the number."""
        keyed = self._hash.copy()
        keyed.update(phone.encode())
        return HASHED + keyed.hexdigest()

    def seal(self, content: str) -> str:
        """A keyed hash by which it is seen later that the content is as it was; whoever lacks the key makes none."""
        keyed = self._seal.copy()
        keyed.update(content.encode(errors="surrogatepass"))
        return keyed.hexdigest()

    def hashes(self, phone: str) -> tuple[str, ...]:
        """The hashes of a number and of its other spelling: whichever was erased, the phone was."""
        return tuple(map(self.keyed_hash, spellings(phone)))

    def forms(self, phone: str) -> tuple[str, ...]:
        """All texts that may stand for this number's phone in the ledger: its spellings and their hashes."""
        return (*spellings(phone), *self.hashes(phone))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view, to read only: writing in it is a bug."""
        with _as_unavailable(self), self.engine.connect() as db:
            yield db

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """As `reading`, and all statements see the ledger as it is at the first."""
        served = self.engine.dialect.name == "postgresql"
        level = {"isolation_level": "REPEATABLE READ"} if served else {}
        with _as_unavailable(self), self.engine.connect().execution_options(**level) as db:
            yield db

    def check(self) -> None:
        """Return when the store answers a query of a table that every ledger has; raise what it raised otherwise."""
        with self.reading() as db:
            db.execute(select(campaigns.c.id).limit(1)).all()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One durable transaction, committed at the end of the block."""
        with (
            _as_unavailable(self),
            self._writers_lock,
            self.engine.connect().execution_options(writes=True) as db,
            db.begin(),
        ):
            yield db

    @contextmanager
    def rebuilding(self) -> Iterator[Connection]:
        """One transaction in which tables may be rebuilt: SQLite checks foreign keys only at its end."""
        if self.engine.dialect.name != "sqlite":
            with self.writing() as db:
                yield db
            return
        with _as_unavailable(self), self._writers_lock, self.engine.connect().execution_options(writes=True) as db:
            sqlite: Any = db.connection.driver_connection
            _set(sqlite, "foreign_keys=OFF")  # a table that is dropped would take its name out of every reference
            try:
                with db.begin():
                    yield db
                    if lost := db.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(3):
                        raise ValueError(f"rows without what they refer to: {lost}")
            finally:
                _set(sqlite, "foreign_keys=ON")

    def write(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """Run `function(db, …)` in one transaction; again when the store reports a lost race (deadlock)."""
        return self._write(lambda db: function(db, *args, **named), waits_for_disk=True)

    def write_draft(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """As `write`, but the disk is not waited for: what nobody acts on until a later `write` has returned.

        A power cut before that one may take it away; that one waits until both are on the disk.
        """
        return self._write(lambda db: function(db, *args, **named), waits_for_disk=False)

    @contextmanager
    def drafting(self) -> Iterator[DraftConnection]:
        """What writes as `write_draft` does, on a connection that nothing else uses, and that is closed at the end."""
        options = {"writes": True, "waits_for_disk": False, "drafting": True}
        with _as_unavailable(self), self.engine.connect().execution_options(**options) as db:
            try:
                yield DraftConnection(self, db)
            finally:
                db.invalidate()  # whoever comes next has another

    def _write(self, function: Callable[[Connection], T], *, waits_for_disk: bool, on: Connection | None = None) -> T:
        for tries in range(1, WRITE_TRIES + 1):
            try:
                options = {"writes": True, "waits_for_disk": waits_for_disk}
                with (
                    self._writers_lock,
                    nullcontext(on) if on else self.engine.connect().execution_options(**options) as db,
                    _synced(db, waits_for_disk or self._durability != DURABLE),
                    db.begin(),
                ):
                    return function(db)
            except NoConnectionFree as exc:
                raise _all_in_use(self) from exc
            except DBAPIError as exc:
                if tries == WRITE_TRIES or not lost_a_race(exc):
                    raise _unavailable(self, exc) from exc
                time.sleep(random.uniform(0, 0.05 * tries))
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close every connection, those still in use too."""
        self.engine.dispose()
        for connection in list(self._served):
            connection.close()


class DraftConnection:
    """A connection on which one draft is filled, and nothing else written: see `Ledger.drafting`."""

    def __init__(self, ledger: Ledger, db: Connection) -> None:
        self._ledger, self._db = ledger, db

    def write(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """As `Ledger.write_draft`."""
        return self._ledger._write(lambda db: function(db, *args, **named), waits_for_disk=False, on=self._db)


def lost_a_race(exc: DBAPIError) -> bool:
    """Whether the same transaction may be tried again: a deadlock, a row that another has inserted, a busy file."""
    state = getattr(exc.orig, "sqlstate", None)
    return state in {"40001", "40P01", "23505"} or "database is locked" in str(exc.orig)


@contextmanager
def _synced(db: Connection, waits_for_disk: bool) -> Iterator[None]:
    """Without a wait for the disk SQLite appends to its log, which the next durable commit brings to the disk whole."""
    if waits_for_disk or db.dialect.name != "sqlite":  # PostgreSQL is told in the transaction
        yield
        return
    sqlite: Any = db.connection.driver_connection
    _set(sqlite, "synchronous=NORMAL")
    try:
        yield
    finally:
        if not db.invalidated:  # else it is closed, and used no more
            _set(sqlite, DURABLE)


@contextmanager
def _as_unavailable(ledger: Ledger) -> Iterator[None]:
    try:
        yield
    except NoConnectionFree as exc:
        raise _all_in_use(ledger) from exc
    except DBAPIError as exc:
        unavailable = _unavailable(ledger, exc)
        if unavailable is exc:
            raise
        raise unavailable from exc


def _all_in_use(ledger: Ledger) -> LedgerUnavailable:
    return LedgerUnavailable(
        f"the ledger at {ledger.place} cannot be used: all {POOL + OVERFLOW} connections of this process are busy",
        "see what its store is slow with; what waited is tried again",
    )


def _unavailable(ledger: Ledger, exc: DBAPIError) -> Exception:
    first = str(exc.orig).strip().splitlines()[0] if str(exc.orig).strip() else type(exc.orig).__name__
    if _is_damage(exc.orig):
        remedy = "stop what runs and put a copy back with `dialer ledger restore` (docs/operating.md)"
        return LedgerDamaged(f"the ledger at {ledger.place} is damaged: {first}", remedy)
    if not isinstance(exc, OperationalError):
        return exc
    return LedgerUnavailable(
        f"the ledger at {ledger.place} cannot be used: {first}", "see that the store runs and has room"
    )


def _is_damage(error: BaseException | None) -> bool:
    """Whether a store's error is about the data itself: SQLite's plain DatabaseError, PostgreSQL's corrupted data."""
    return type(error) is sqlite3.DatabaseError or getattr(error, "sqlstate", None) in DAMAGED_STATES


class _WithHints(SQLiteCompiler):
    """Writes `with_hint(table, "INDEXED BY …", "sqlite")` into statements, which SQLAlchemy leaves out."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text


def _sqlite(url: str, durability: str) -> Engine:
    path = make_url(url).database
    if path:
        _make_file(Path(path))
    engine = create_engine(
        url,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        hide_parameters=True,  # they hold numbers and texts, and errors are logged
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )
    engine.dialect.statement_compiler = _WithHints

    @event.listens_for(engine, "connect")
    def prepare(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            durability,
            "foreign_keys=ON",
        ):
            _set(dbapi, pragma)

    @event.listens_for(engine, "begin")
    def begin(db: Connection) -> None:
        # A writer takes its place at once: one that begins by reading may find it taken when it comes to write.
        if db.get_execution_options().get("writes"):
            _begin_writing(db)
        else:
            db.exec_driver_sql("BEGIN")

    return engine


def _begin_writing(db: Connection) -> None:
    """Begin when no other process writes: SQLite itself asks ever more seldom, up to ten times a second."""
    sqlite: Any = db.connection.driver_connection
    asked_until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    sqlite.execute("PRAGMA busy_timeout=0").close()
    try:
        while True:
            try:
                sqlite.execute("BEGIN IMMEDIATE").close()
                return
            except sqlite3.Error as exc:
                is_busy = exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # also while a log is recovered
                if not is_busy or time.monotonic() > asked_until:
                    # What a listener raises SQLAlchemy does not make its own.
                    raise DBAPIError.instance(None, None, exc, sqlite3.Error, dialect=db.dialect) from exc
            time.sleep(ASKED_EVERY)
    finally:
        sqlite.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").close()


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)  # it holds people's numbers
    except OSError as exc:
        raise LedgerUnavailable(f"{path}: {exc.strerror}", "correct DIALER_DATA_DIR or ledger.url") from None


def _set(dbapi: sqlite3.Connection, pragma: str) -> None:
    """Set a pragma. The first connection switches the file to WAL, and SQLite does not wait for that by itself."""
    for tries in range(SWITCH_TRIES):
        try:
            dbapi.execute(f"PRAGMA {pragma}").close()
            return
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or tries == SWITCH_TRIES - 1:
                raise
            time.sleep(0.05)


def _ask_idle_connections(engine: Engine) -> None:
    """Replace connections that were idle and no longer answer; asking before each use would be a round trip of six."""

    @event.listens_for(engine, "checkin")
    def note(_dbapi: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(dbapi: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", math.inf) > ASKED_AFTER_SECONDS:
            try:
                engine.dialect.do_ping(dbapi)
            except engine.dialect.loaded_dbapi.Error as exc:
                raise DisconnectionError from exc


def _refuse_other_encodings(engine: Engine) -> None:
    """Raise LedgerUnavailable where not every text could be kept. The server names its encoding without being asked."""

    @event.listens_for(engine, "connect", insert=True)  # before SQLAlchemy reads what the server answers
    def look(dbapi: Any, _record: Any) -> None:
        encoding = dbapi.info.parameter_status("server_encoding")
        if encoding not in (None, ENCODING):
            place = engine.url.render_as_string(hide_password=True)
            raise LedgerUnavailable(
                f"the ledger at {place} keeps texts in {encoding}, not in UTF-8",
                f"make the database anew: CREATE DATABASE … ENCODING '{ENCODING}' TEMPLATE template0",
            )


def _postgres(url: str) -> Engine:
    """Nothing is set for a session, nor kept in one: with PgBouncer in transaction mode sessions are shared."""
    engine = create_engine(
        url,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        hide_parameters=True,
        connect_args={"connect_timeout": 10},
    )
    _refuse_other_encodings(engine)
    _ask_idle_connections(engine)
    commits_early: WeakSet[Any] = WeakSet()

    @event.listens_for(engine, "connect")
    def prepare(dbapi: Any, _record: Any) -> None:
        pid, synchronous_commit = dbapi.execute(SESSION).fetchone()
        dbapi.rollback()
        if pid != dbapi.info.backend_pid:  # a pooler answers: the next transaction may be another session's
            dbapi.prepare_threshold = None
        if synchronous_commit not in COMMITS_DURABLY:
            commits_early.add(dbapi)

    @event.listens_for(engine, "begin")
    def begin(db: Connection) -> None:
        options = db.get_execution_options()
        if not options.get("waits_for_disk", True):
            db.exec_driver_sql("SET LOCAL synchronous_commit = off")
        elif options.get("writes") and db.connection.driver_connection in commits_early:
            db.exec_driver_sql("SET LOCAL synchronous_commit = on")  # a call made is a call remembered

    return engine
