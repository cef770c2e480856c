"""The caller IDs of one run of a simulation: each contact keeps one, which has so many calls a day."""

from __future__ import annotations

from array import array

from campaigns.planning.capacity import DAY

NumberGroups = tuple[tuple[int, ...], ...]
"""Places of the numbers that a contact may be shown, in groups, of which the first is preferred."""


class SimulatedNumbers:
    """How many calls each number has left of its day. Moments are Unix seconds."""

    def __init__(self, numbers: int, per_day: int, day_ends: float, contacts: int) -> None:
        self._per_day, self._day_ends = per_day, day_ends
        self._left = [per_day] * numbers
        self._shown = array("h", [-1]) * contacts

    def free_at(self, contact: int, groups: NumberGroups, now: float) -> float:
        """`now` where a number is left for the contact, else the beginning of the next day."""
        self._renew(now)
        shown = self._shown[contact]
        if shown >= 0:
            return now if self._left[shown] else self._day_ends
        return now if any(self._left[number] for group in groups for number in group) else self._day_ends

    def use(self, contact: int, groups: NumberGroups, now: float) -> None:
        """Count a call: of the contact's own number, else of the one with most left, which it keeps."""
        self._renew(now)
        number = self._shown[contact]
        if number < 0:
            number = self._shown[contact] = self._chosen(contact, groups)
        self._left[number] -= 1

    def _chosen(self, contact: int, groups: NumberGroups) -> int:
        for group in groups:
            turns = [group[(contact + place) % len(group)] for place in range(len(group))]
            number = max(turns, key=self._left.__getitem__)
            if self._left[number]:
                return number
        return groups[0][0]

    def _renew(self, now: float) -> None:
        while now >= self._day_ends:
            self._left, self._day_ends = [self._per_day] * len(self._left), self._day_ends + DAY
