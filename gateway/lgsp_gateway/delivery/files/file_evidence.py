"""What the evidence says of files: uploaded, quarantined, read, deleted, expired. Written before a file can be used or read."""

import time

import uuid_utils

from lgsp_auth.principal import person_name
from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.entries import FileAction, FileEntry
from lgsp_gateway.delivery.files.model import FileRecord
from lgsp_gateway.evidence.append.log import EvidenceLog


class FileEvidence:
    """Writes the entries about files of one gateway.

    Args:
        gateway: its name in the evidence.
    """

    def __init__(self, gateway: str, log: EvidenceLog) -> None:
        self._gateway = gateway
        self._log = log

    async def write(
        self,
        record: FileRecord,
        action: FileAction,
        system: SystemName | None = None,
        agency: str = "",
        carrier: str = "",
        officer: str = "",
        through: str = "",
    ) -> None:
        """Write an entry; it is on disk when this returns.

        Args:
            system: who did it; None where the bus did by itself.
            agency: of that system.
            carrier: the message or event by which the system may read the file; "" for its owner.
            officer: the opaque id of the officer who did it by the form system of an agency; "" for none.
            through: the system that had signed the officer in; "" for none.

        Raises:
            Refusal: `bus-unavailable`.
        """
        entry = FileEntry(
            message=str(uuid_utils.uuid7()),
            time=int(time.time() * 1000),
            gateway=self._gateway,
            file=record.id,
            action=action,
            consumer=system or "",
            agency=agency,
            by=person_name(officer) if officer else "",
            through=through,
            carrier=carrier,
            media_type=record.media_type[:100],
            size=record.size,
            outcome=record.reason or "done",
            status=422 if record.reason else 200,
        )
        await self._log.write(entry.to_bytes())
