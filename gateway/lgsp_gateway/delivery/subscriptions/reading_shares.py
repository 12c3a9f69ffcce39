"""Divides a number of reads among owners: one with many subscriptions, each with much behind it, leaves the others theirs."""

from collections import Counter
from collections.abc import Iterable


class ReadingShares:
    """The reads of one round.

    Args:
        reads: of the round.
        owners: that of each subscription which has its turn.
    """

    def __init__(self, reads: int, owners: Iterable[str]) -> None:
        self._left = reads
        self._waiting = Counter(owners)
        self._of_owner = dict.fromkeys(self._waiting, reads // max(1, len(self._waiting)))

    @property
    def are_used(self) -> bool:
        """Tell whether there are none left."""
        return self._left <= 0

    def take(self, owner: str) -> int:
        """Return how many reads the next subscription of an owner has: at least one."""
        share = self._of_owner[owner] // self._waiting[owner]
        self._waiting[owner] -= 1
        return max(1, share)

    def spend(self, owner: str, reads: int) -> None:
        """Take off what a subscription read. What all those of an owner leave is divided among the owners to come."""
        self._left -= reads
        self._of_owner[owner] -= reads
        if not self._waiting[owner]:
            rest = self._of_owner.pop(owner)
            for other in self._of_owner:
                self._of_owner[other] += rest // len(self._of_owner)
