"""One clock for a whole rehearsal: it stands while anything is being done, and jumps when everything waits.

An event loop keeps the time. What blocks (a tick, a dial) runs in a thread of its own; of the loop and all threads
exactly one runs at any moment, so a rehearsal happens in the same order whenever it is repeated.
"""

from __future__ import annotations

import asyncio
import queue
import selectors
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import Context
from datetime import datetime, timedelta
from inspect import isawaitable
from typing import Any, TypeVar, TypeVarTuple

from anyio.from_thread import BlockingPortal

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
INSTANT = 1e-6


class NothingLeft(RuntimeError):
    """Everything waits, and nothing will ever end that."""


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing but for time, which passes at once: what a rehearsal talks to is in its own process."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; where nothing is, the clock has jumped to the next timer."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise NothingLeft("everything waits, and no timer is set")
        if not ready and timeout:
            self._jump(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which begins at this moment (aware)."""

    def __init__(self, begins: datetime) -> None:
        self._begins, self._seconds = begins, 0.0
        super().__init__(_JumpingSelector(self._jump))

    def _jump(self, seconds: float) -> None:
        self._seconds += seconds

    def time(self) -> float:
        """Seconds since the clock began."""
        return self._seconds

    def call_at(
        self, when: float, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """A timer; one that is to come is a microsecond away or more, so that who waits in a loop sees time pass."""
        when = max(when, self._seconds + INSTANT) if when > self._seconds else when
        return super().call_at(when, callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """The same, after so many seconds."""
        return super().call_later(max(delay, INSTANT) if delay > 0 else delay, callback, *args, context=context)

    def now(self) -> datetime:
        """The moment by the clock."""
        return self._begins + timedelta(seconds=self._seconds)

    def unix_seconds(self) -> float:
        """The same as a Unix time."""
        return self._begins.timestamp() + self._seconds


def _locked() -> threading.Lock:
    """A lock that is taken: whoever acquires it waits until somebody releases it."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class _Worker:
    """A thread that runs when it has the turn; between its turns it waits for `wish`, a task of the loop."""

    def __init__(self, work: Callable[[], Any], done: asyncio.Future[Any]) -> None:
        self.work = work
        self.done = done
        self.turn = _locked()
        self.wish: Awaitable[Any] | None = None
        self.granted: asyncio.Future[Any] | None = None
        self.result: Any = None
        self.error: BaseException | None = None


class Turns:
    """Lets blocking functions and the loop take turns."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._given_back = _locked()
        self._own = threading.local()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """The result of a blocking function. The loop goes on while the function waits, by `wait` or `sleep`."""
        done: asyncio.Future[T] = self._loop.create_future()
        worker = _Worker(lambda: function(*args), done)
        threading.Thread(target=self._work, args=(worker,), daemon=True).start()
        self._give(worker)
        return await done

    def wait(self, awaitable: Awaitable[T]) -> T:
        """For a blocking function: wait for what the loop does."""
        worker: _Worker = self._own.worker
        worker.wish = awaitable
        self._given_back.release()
        worker.turn.acquire()
        if worker.granted is None:
            raise NothingLeft("the turn came without what was waited for")
        result: T = worker.granted.result()
        return result

    def sleep(self, seconds: float) -> None:
        """For a blocking function: wait so long by the loop's clock."""
        self.wait(asyncio.sleep(max(0.0, seconds)))

    def _work(self, worker: _Worker) -> None:
        worker.turn.acquire()
        self._own.worker = worker
        try:
            worker.result = worker.work()
        except BaseException as exc:  # it is raised where the result is awaited
            worker.error = exc
        self._given_back.release()

    def _give(self, worker: _Worker) -> None:
        """Let the thread run until it waits or has ended; meanwhile the loop stands."""
        worker.wish = None
        worker.turn.release()
        self._given_back.acquire()
        if worker.wish is not None:
            worker.granted = asyncio.ensure_future(worker.wish, loop=self._loop)
            worker.granted.add_done_callback(lambda _: self._give(worker))
        elif worker.done.done():
            pass  # nobody waits for it any more
        elif worker.error is not None:
            worker.done.set_exception(worker.error)
        else:
            worker.done.set_result(worker.result)


class TurnPortal(BlockingPortal):
    """What blocking functions reach the loop by, as they do by a portal of another thread's loop."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def call(self, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]  # the same here
        """The result of a function or coroutine function, run on the loop."""
        return self._turns.wait(_called(func, *args))

    def start_task_soon(  # type: ignore[override]  # the same for functions of either kind
        self, func: Callable[..., Any], *args: Any, name: object = None
    ) -> Future[Any]:
        """The same, as a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(self.call(func, *args))
        except Exception as exc:
            future.set_exception(exc)
        return future


async def _called(func: Callable[..., Any], *args: Any) -> Any:
    result = func(*args)
    return await result if isawaitable(result) else result


class TurnQueue(queue.SimpleQueue[T]):
    """A queue that the loop fills; who takes from it while it is empty gives the turn back."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._filled = asyncio.Event()

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Add an item."""
        super().put(item)
        self._filled.set()

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """The next item, once there is one."""
        while self.empty():
            self._filled.clear()
            self._turns.wait(self._filled.wait())
        return super().get()
