"""Files that messages and events carry: whether their sender may pass them on, and who may read them from then on.

The one hook for calls, accepted messages, events and answers. Access goes to named systems: to the provider of a request, to the
consumer of an answer, to a subscriber with each event that is delivered to it, after the projection by its grant. So a file is readable by
exactly those who got a document that refers to it, until the right that it gave ends (`access`).
"""

from collections.abc import Collection
from typing import Any, Protocol

from lgsp_contracts.file_references import FileLimits, FileReference
from lgsp_contracts.names import SystemName
from lgsp_contracts.schemas import Schema
from lgsp_gateway.delivery.files.access import Carrier


class FileReferences(Protocol):
    """Binds files to the messages that carry them. A document whose schema has no files (`Schema.has_files`) needs no call of it."""

    async def check_and_bind(
        self,
        sender: SystemName,
        document: Any,
        schema: Schema,
        carrier: Carrier,
        *,
        readers: Collection[SystemName] = (),
        limits: FileLimits | None = None,
    ) -> list[FileReference]:
        """Check that a sender may pass the files of a document on, and let its receivers read them.

        A repetition changes nothing.

        Args:
            sender: the consumer of a request, or the provider of an answer or event.
            document: as parsed from JSON; valid under its schema.
            carrier: the message or event; its files are kept until its end at least.
            readers: who gets the document. For an event without subscribers yet: nobody; `bind` lets each read it later.
            limits: of the sender's grant.

        Returns:
            The references; empty where the document has none.

        Raises:
            Refusal: `file-not-found` (also for one that the sender may not read), `file-not-ready` with `Retry-After`,
                `file-refused` (quarantined), `file-expired`, `file-not-allowed` (size or type beyond the contract or the grant).
        """

    async def bind(self, document: Any, schema: Schema, carrier: Carrier, readers: Collection[SystemName]) -> None:
        """Let further receivers read the files of a document that was checked before, such as a subscriber to whom an event is delivered.

        Args:
            document: as the readers see it, without the fields that their grants hide.
            carrier: what they get; their right ends with it.
        """
