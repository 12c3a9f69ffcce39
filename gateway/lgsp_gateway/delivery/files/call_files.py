"""The files of calls: finds them in requests and answers, in another process where the document is large, and binds them."""

import time
from dataclasses import replace

import orjson

from lgsp_auth.policy import Officer
from lgsp_contracts.file_references import FileLimits, FileReference, find_references
from lgsp_contracts.message_checks import broken_answer
from lgsp_contracts.names import SystemName
from lgsp_contracts.schemas import Schema
from lgsp_gateway.calls.authorize import AuthorizedCall
from lgsp_gateway.delivery.files import refusals
from lgsp_gateway.delivery.files.access import Carrier
from lgsp_gateway.delivery.files.reference_binder import ReferenceBinder
from lgsp_gateway.delivery.files.refusals import UnusableFile
from lgsp_gateway.document_workers.pool import DocumentWorkers

MAX_INLINE_BYTES = 32 * 1024
"""Bytes of a document that is searched in the event loop: some 2 ms."""


class CallFiles:
    """The `DocumentFiles` of a gateway."""

    def __init__(self, binder: ReferenceBinder, workers: DocumentWorkers) -> None:
        self._keep_seconds = binder.keep_seconds
        self._binder = binder
        self._workers = workers

    async def pass_request(
        self, consumer: str, authorized: AuthorizedCall, request: bytes, message: str, officer: Officer | None = None
    ) -> None:
        """Let the provider read the files of a request; see `DocumentFiles`."""
        found = await self._find(consumer, authorized.operation.request, request)
        if authorized.is_trial and found:
            raise refusals.not_in_trials(found[0].pointer)
        grant, provider = authorized.grant, authorized.contract.provider
        limits = FileLimits(grant.file_types, grant.max_file_bytes)
        await self._binder.bind_found(
            SystemName(consumer),
            found,
            self._carrier(authorized, message),
            readers=[provider],
            limits=limits,
            officer=officer,
        )

    async def pass_answer(
        self, consumer: str, authorized: AuthorizedCall, answer: bytes, message: str, officer: Officer | None = None
    ) -> None:
        """Let the consumer read the files of an answer; see `DocumentFiles`."""
        if authorized.is_trial:
            return
        found = await self._find(consumer, authorized.operation.response, answer)
        try:
            await self._binder.bind_found(
                authorized.contract.provider,
                found,
                replace(self._carrier(authorized, message), officer=officer.person if officer else ""),
                readers=[SystemName(consumer)],
            )
        except UnusableFile as error:
            raise broken_answer(f"a file of the answer cannot be passed on: {error.code}") from error

    async def _find(self, consumer: str, schema: Schema, document: bytes) -> list[FileReference]:
        if len(document) <= MAX_INLINE_BYTES:
            return find_references(schema.document, orjson.loads(document))
        return await self._workers.find_files(consumer, schema, document)

    def _carrier(self, authorized: AuthorizedCall, message: str) -> Carrier:
        """Return a call whose files may be read until its answer is no longer kept; of one that is answered at once, as long as they are kept."""
        contract, operation, later = authorized.contract, authorized.operation, authorized.operation.asynchronous
        lasting = later.delivery_deadline + later.answer_retention if later else self._keep_seconds
        return Carrier(message, contract.service, contract.major, operation.name, time.time() + lasting)
