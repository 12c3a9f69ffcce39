"""What every gateway has in memory of each file: whose it is, its size, its state and its end; for quotas, lists and clean-up.

Some 500 bytes for each file. Names and keys stay on disk: a record is read where one is needed. What is to be done next is found without a look
at all files, since that would hold up calls.
"""

import heapq
from collections import Counter
from typing import NamedTuple

from lgsp_gateway.delivery.files.model import FileRecord, FileState

LEAST_BYTES = 64 * 1024
"""What a file counts at least: empty files, too, take room in memory and on disk."""
TOMBSTONE_SECONDS = 30 * 86_400.0
"""How long it is remembered that there was a file that a message referred to."""
UNBOUND_TOMBSTONE_SECONDS = 3_600.0
"""The same for a file that nobody but its owner knew of."""


class FileFacts(NamedTuple):
    """What is in memory of a file; times are in seconds since 1970.

    Args:
        charged: bytes that count for the quota of its agency.
        due_at: when it expires, or, once it has, when it is forgotten.
    """

    owner: str
    agency: str
    charged: int
    state: FileState
    due_at: float
    lease_until: float


class RecordIndex:
    """All files, and the bytes that each agency stores."""

    def __init__(self) -> None:
        self._facts: dict[str, FileFacts] = {}
        self._of_owner: dict[str, set[str]] = {}
        self._bytes_of_agency: Counter[str] = Counter()
        self._unverified: set[str] = set()
        self._deadlines: list[tuple[float, str]] = []
        """A heap; an entry counts while it says what the facts of its file say."""

    def __len__(self) -> int:
        return len(self._facts)

    def put(self, record: FileRecord) -> None:
        """Take in the newest version of a record."""
        before = self._facts.get(record.id)
        self.remove(record.id)
        charged = 0 if record.state == "expired" else max(record.size, LEAST_BYTES)
        due_at = forgotten_at(record) if record.state == "expired" else record.expires_at
        facts = FileFacts(record.owner, record.agency, charged, record.state, due_at, record.lease.until)
        self._facts[record.id] = facts
        self._of_owner.setdefault(record.owner, set()).add(record.id)
        self._bytes_of_agency[record.agency] += charged
        if record.state == "scanning":
            self._unverified.add(record.id)
        if before is None or before.due_at != due_at:
            heapq.heappush(self._deadlines, (due_at, record.id))
            if len(self._deadlines) > 4 * len(self._facts) + 1_000:  # of files that were deleted long before their time
                self._deadlines = [(facts.due_at, file) for file, facts in self._facts.items()]
                heapq.heapify(self._deadlines)

    def remove(self, file: str) -> None:
        """Forget a file, where it is known."""
        facts = self._facts.pop(file, None)
        if facts is None:
            return
        files = self._of_owner[facts.owner]
        files.discard(file)
        if not files:
            del self._of_owner[facts.owner]
        self._bytes_of_agency[facts.agency] -= facts.charged
        self._unverified.discard(file)

    def bytes_of_agency(self, agency: str) -> int:
        """Return how many bytes the files of an agency take or will take: an upload counts with its whole size, and each at
        least with `LEAST_BYTES`."""
        return self._bytes_of_agency[agency]

    def bytes_by_agency(self) -> dict[str, int]:
        """Return the bytes of each agency that has any."""
        return {agency: size for agency, size in self._bytes_of_agency.items() if size > 0}

    def count_by_state(self) -> Counter[str]:
        """Return the number of files in each state."""
        return Counter(facts.state for facts in self._facts.values())

    def count_unfinished(self, owner: str) -> int:
        """Return the number of uploads that a system has begun and not finished."""
        return sum(self._facts[file].state == "uploading" for file in self._of_owner.get(owner, ()))

    def page(self, owner: str, after: str, limit: int) -> list[str]:
        """Return the ids of files, the newest first.

        Args:
            owner: whose; "" for everybody's.
            after: the last id of the page before; "" for the first page.
        """
        files = self._of_owner.get(owner, set()) if owner else self._facts.keys()
        return heapq.nlargest(limit, (file for file in files if not after or file < after))

    def due(self, now: float) -> list[str]:
        """Return the files whose time is over: to expire, or to be forgotten. They are returned until that is done."""
        past = []
        while self._deadlines and self._deadlines[0][0] <= now:
            past.append(heapq.heappop(self._deadlines))
        current = [entry for entry in dict.fromkeys(past) if self._is_current(*entry)]
        for entry in current:
            heapq.heappush(self._deadlines, entry)
        return [file for _, file in current]

    def unverified(self, now: float) -> list[str]:
        """Return the files that wait for their hash, type and scan, and that no gateway is working on."""
        return [file for file in self._unverified if self._facts[file].lease_until <= now]

    def _is_current(self, due_at: float, file: str) -> bool:
        facts = self._facts.get(file)
        return facts is not None and facts.due_at == due_at


def forgotten_at(record: FileRecord) -> float:
    """Return when the record of a file that has expired is removed, in seconds since 1970."""
    return record.expires_at + (TOMBSTONE_SECONDS if record.bound else UNBOUND_TOMBSTONE_SECONDS)
