"""How much waits for a person, as the menu of the console shows it: requests to decide on, requests of citizens to answer, dead letters.

Many consoles are open all day, so what they show is counted for all of them together: what waits in the registry is followed, and what lies
in NATS is looked at once in a while for everybody. A person is told of what they may decide on, and of nothing else.
"""

import time
from collections.abc import Mapping

from lgsp_auth.principal import OPERATOR, Principal
from lgsp_gateway.citizens.request_store import RequestStore
from lgsp_gateway.delivery.dead_letters.store import DeadLetters
from lgsp_gateway.delivery.decisions import RECEIVER_ROLES
from lgsp_gateway.notifications.build import count_dead_letters
from lgsp_gateway.registry.pending_requests import PendingRequests
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_gateway.registry.waiting_documents import WaitingDocuments

MOST = 100
"""Where counting ends: the menu says `99+`."""
LOOK_SECONDS = 5.0
"""How long a count of what lies in NATS is good for, for all who ask."""


class WaitingCounts:
    """Counts what waits for people.

    Args:
        pending: decides on what somebody may decide.
    """

    def __init__(
        self, registry: RegistrySnapshot, pending: PendingRequests, letters: DeadLetters, requests: RequestStore
    ) -> None:
        self._registry = registry
        self._pending = pending
        self._documents = WaitingDocuments(registry, pending)
        self._letters = letters
        self._requests = requests
        self._letters_by_owner: Mapping[str, int] = {}
        self._letters_revision = -1
        self._letters_until = 0.0
        self._requests_of: dict[str, tuple[float, int]] = {}

    async def of(self, person: Principal) -> dict[str, int]:
        """Count what waits for a person, at most `MOST` of each; without what their roles never decide on.

        Raises:
            Refusal: `bus-unavailable`.
        """
        counts: dict[str, int] = {}
        if person.has_role(OPERATOR, "agency-admin") or len(self._pending.acting(person)) > 1:  # a deputy's too
            counts["access"] = await self._documents.count(person, MOST)
        if person.has_role("agency-admin"):
            counts["citizenRequests"] = min(MOST, await self._citizen_requests(person.agency))
        if person.has_role(OPERATOR, *RECEIVER_ROLES):
            counts["deadLetters"] = min(MOST, await self._dead_letters(person))
        return counts

    async def _citizen_requests(self, agency: str) -> int:
        now = time.monotonic()
        until, count = self._requests_of.get(agency, (0.0, 0))
        if now >= until:
            count = await self._requests.count_waiting(agency)
            self._requests_of[agency] = now + LOOK_SECONDS, count
        return count

    async def _dead_letters(self, person: Principal) -> int:
        now = time.monotonic()
        if now >= self._letters_until:
            self._letters_until = now + LOOK_SECONDS
            revision = await self._letters.revision()
            if revision != self._letters_revision:
                self._letters_by_owner = await count_dead_letters(self._letters)
                self._letters_revision = revision
        if person.has_role(OPERATOR):
            return sum(self._letters_by_owner.values())
        own = frozenset(self._registry.index["System"].names("agency", person.agency))
        return sum(count for owner, count in self._letters_by_owner.items() if owner in own)
