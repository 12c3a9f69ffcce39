"""Attachments, from the files of the bus into the store and back.

Files of the bus live a week or so; a document waits for its receiver as long as that is away. So the exchange keeps the bytes, and hands them out as
the file that came while that is young, and as a new one later.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lgsp_adapters.adapter import Adapter, Call, Declared, Document, FileRefused, UpstreamFailed
from lgsp_adapters.document_exchange.records import Message, StoredFile
from lgsp_adapters.document_exchange.store import DocumentStore
from lgsp_adapters.edxml.attachments import Attachment, names_inside
from lgsp_contracts.secrecy_markings import is_marked_name

HANDED_OUT_SECONDS = 4 * 86_400.0
"""How long after it was stored a file of the bus is handed out; the bus keeps it for a week at least, and longer from then on."""
MAX_BYTES = 64 * 1024 * 1024
"""Of all attachments of one document: a message of the axis has no more."""
_BYTES = "application/octet-stream"
ORIGINAL = 0
"""The number of the edXML as it came from the axis; attachments count from 1."""


@dataclass(frozen=True, slots=True)
class AttachedFiles:
    """The attachments of documents.

    Args:
        adapter: whose files of the bus they are, and who reports security events.
    """

    adapter: Adapter
    store: DocumentStore

    async def fetch(self, content: Document, call: Call) -> list[StoredFile]:
        """Read the attachments of a document that is sent.

        Raises:
            Declared: `attachment-unusable`, where one is not there, is no more, is quarantined, or they are too large; `attachment-secret`, where
                the name of one, or of a file in a ZIP, is marked with a degree of secrecy.
            UpstreamFailed, UpstreamLate: the bus does not answer.
        """
        fetched: list[StoredFile] = []
        size = 0
        for number, described in enumerate(content.get("tepDinhKem", []), 1):
            try:
                facts = await self.adapter.files.describe(described["tep"], call)
                size += facts.size
                if is_marked_name(facts.name):
                    self._report_secret(call)
                    raise Declared("attachment-secret")
                if size > MAX_BYTES:
                    raise Declared("attachment-unusable")
                file = await self.adapter.files.read(described["tep"], call)
                if any(map(is_marked_name, await asyncio.to_thread(names_inside, file))):
                    self._report_secret(call)
                    raise Declared("attachment-secret")
            except UpstreamFailed as error:
                if error.why in ("refused", "unfit"):
                    raise Declared("attachment-unusable") from error
                raise
            fetched.append(StoredFile(number, described["tep"], time.time(), file))
        return fetched

    async def take_in(
        self, files: Sequence[Attachment], media_types: Sequence[str], original: bytes, name: str, call: Call
    ) -> list[StoredFile]:
        """Store the attachments of a document from the axis as files of the bus, and the edXML itself.

        Raises:
            FileRefused: the bus will never take one.
            UpstreamFailed, UpstreamLate: the bus does not take one now.
        """
        everything = [(Attachment(name, original), "application/xml"), *zip(files, media_types, strict=True)]
        return [
            StoredFile(number, await self._write(file, media_type, call), time.time(), file.content)
            for number, (file, media_type) in enumerate(everything)
        ]

    async def hand_out(self, message: Message, call: Call) -> Document:
        """Return the content of a message with references of files that are there.

        Raises:
            UpstreamFailed, UpstreamLate: the bus does not take a file.
        """
        content = dict(message.content)
        references = await self.store.file_references(message.id)
        if "tepDinhKem" in content:
            content["tepDinhKem"] = [
                {**described, "tep": await self._current(message.id, number, described, references, call)}
                for number, described in enumerate(content["tepDinhKem"], 1)
            ]
        if ORIGINAL in references:
            described = {"ten": f"{message.axis_id}.edxml", "loaiNoiDung": "application/xml", "tep": ""}
            content["banGoc"] = await self._current(message.id, ORIGINAL, described, references, call)
        return content

    async def _current(
        self, message: str, number: int, described: Document, references: dict[int, tuple[str, float]], call: Call
    ) -> str:
        reference, stored_at = references.get(number, (described["tep"], time.time()))
        if stored_at + HANDED_OUT_SECONDS > time.time():
            return reference
        file = await self.store.file(message, number)
        attachment = Attachment(described["ten"], file.content)
        renewed = replace(
            file, reference=await self._write(attachment, described["loaiNoiDung"], call), time=time.time()
        )
        await self.store.renew_file(message, renewed)
        return renewed.reference

    async def _write(self, file: Attachment, media_type: str, call: Call) -> str:
        """Store a file of the bus, as plain bytes where its content is not of the type that its sender, or its name, says.

        Raises:
            FileRefused: it is a program, has malware in it, or is too large.
            UpstreamFailed, UpstreamLate: the bus does not take it now.
        """
        for name, kind in ((file.name, media_type), (file.name, _BYTES)):
            try:
                return await self.adapter.files.write(file.content, name, kind, call)
            except FileRefused:
                continue
        return await self.adapter.files.write(file.content, f"{file.name}.bin", _BYTES, call)

    def _report_secret(self, call: Call) -> None:
        self.adapter.security.event(
            "secret-document-refused",
            "failure",
            "api",
            "The name of an attachment is marked with a degree of secrecy; the document was not accepted.",
            user__name=call.context.consumer,
            organization__id=call.context.agency,
            lgsp__message=call.context.message,
            lgsp__service="documents",
        )
