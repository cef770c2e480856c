"""A vendor's limit: a fixed window, counted in sandbox seconds, that does not begin with the clock's minute or day."""

from __future__ import annotations


class Window:
    """A fixed window of so many seconds, of which `offset` have passed at moment 0."""

    def __init__(self, length: float, offset: float = 0.0) -> None:
        self._length = length
        self._offset = offset
        self._index = 0
        self._taken = 0

    def remaining(self, limit: int, now: float) -> int:
        """What is left of the limit in the window of this moment."""
        self._enter_window(now)
        return max(0, limit - self._taken)

    def take(self, cost: int, now: float) -> None:
        """Count something that was granted."""
        self._enter_window(now)
        self._taken += cost

    def seconds_left(self, now: float) -> float:
        """How long the window of this moment still lasts."""
        return self._length - (now + self._offset) % self._length

    def _enter_window(self, now: float) -> None:
        index = int((now + self._offset) // self._length)
        if index != self._index:
            self._index, self._taken = index, 0
