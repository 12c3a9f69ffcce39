"""The documents that wait for somebody's decision, known without looking through the registry.

The menu of each open console shows how many wait for its reader. Of 100,000 grants a handful wait: they are found once, and followed
from then on.
"""

import asyncio

from lgsp_auth.principal import Principal
from lgsp_contracts.names import DocumentName
from lgsp_gateway.registry.lifecycle import grants
from lgsp_gateway.registry.pending_requests import SEEN_AT_A_TURN, PendingRequests
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.pacing import Pace

KINDS = ("Grant", "Person")
"""The kinds of documents on which people decide."""
TRIED_AT_A_TURN = 20
"""Documents on which a caller's right to decide is tried before others have a turn: each is parsed."""


class WaitingDocuments:
    """Counts what waits for somebody.

    Args:
        pending: decides who may decide.
    """

    def __init__(self, registry: RegistrySnapshot, pending: PendingRequests) -> None:
        self._registry = registry
        self._pending = pending
        self._waiting: set[tuple[str, DocumentName]] = set()
        self._follows = False
        self._looking = asyncio.Lock()

    async def count(self, caller: Principal, most: int) -> int:
        """Count what the caller may approve now, as themselves or as somebody's deputy.

        Args:
            most: where counting ends.
        """
        found, pace, acting = 0, Pace(TRIED_AT_A_TURN), self._pending.acting(caller)
        for kind, name in sorted(await self._known()):
            await pace.spend()
            if self._pending.may_approve(acting, kind, name):
                found += 1
                if found == most:
                    break
        return found

    async def _known(self) -> set[tuple[str, DocumentName]]:
        async with self._looking:  # who comes while it is looked through waits for the whole
            if not self._follows:
                self._follows = True
                self._registry.on_change(self._note)
                pace = Pace(SEEN_AT_A_TURN)
                for kind in KINDS:
                    for name in self._registry.index[kind].names():
                        await pace.spend()
                        self._note(kind, name)
        return self._waiting

    def _note(self, kind: str, name: str) -> None:
        if kind not in KINDS:
            return
        document = DocumentName(name)
        if self._waits(kind, document):
            self._waiting.add((kind, document))
        else:
            self._waiting.discard((kind, document))

    def _waits(self, kind: str, name: DocumentName) -> bool:
        if kind == "Person":
            person = self._registry.persons.get(name)
            return person is not None and person.phase == "awaiting-operator"
        facts = self._registry.index["Grant"].facts.get(name)
        return facts is not None and facts.phase in grants.WAITING
