"""What is done for files in the background: expired ones are deleted, and those whose verification was cut short are verified.

Every gateway does it for all files; of two that come to the same one, the record's revision lets one.
"""

import time

from lgsp_gateway.delivery.files import uploads
from lgsp_gateway.delivery.files.file_evidence import FileEvidence
from lgsp_gateway.delivery.files.file_store import FileStore
from lgsp_gateway.delivery.files.record_index import forgotten_at
from lgsp_gateway.delivery.files.records import FileRecords
from lgsp_gateway.delivery.files.verification import Verification
from lgsp_problems import RevisionConflict
from lgsp_runtime.background import Background

INTERVAL_SECONDS = 3.0
ROUND_SECONDS = 300.0


class Maintenance:
    """The background work of one gateway."""

    def __init__(
        self,
        records: FileRecords,
        store: FileStore,
        verification: Verification,
        evidence: FileEvidence,
        background: Background,
    ) -> None:
        self._records = records
        self._store = store
        self._verification = verification
        self._evidence = evidence
        self._background = background

    def start(self) -> None:
        """Begin."""
        self._background.run_every("files", INTERVAL_SECONDS, self._round, within=ROUND_SECONDS)

    async def _round(self) -> None:
        now = time.time()
        for file in self._records.index.unverified(now):
            self._verification.start(file, self._background)
        for file in self._records.index.due(now):
            await self._end(file, now)

    async def _end(self, file: str, now: float) -> None:
        record = await self._records.get(file)
        if record is None or record.expires_at > now:
            return
        try:
            if record.state != "expired":
                await self._evidence.write(record, "expired")
                await uploads.erase(self._records, self._store, record)
            elif forgotten_at(record) <= now:
                await self._store.delete(file)
                await self._records.remove(record)
        except RevisionConflict:
            return  # another gateway was first
