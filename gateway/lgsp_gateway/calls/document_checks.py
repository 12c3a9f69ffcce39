"""Holds the documents of a call against its contract: in the event loop where that is quick for sure, else in another process."""

from typing import Any

from lgsp_contracts.contract import Operation, person_in
from lgsp_contracts.message_checks import check_answer, read_request, refusal_of_request, with_exact_numbers
from lgsp_contracts.projection import Projection
from lgsp_gateway.calls.document_files import DocumentFiles
from lgsp_gateway.document_workers.pool import DocumentWorkers

MAX_INLINE_PROJECTION_BYTES = 32 * 1024
"""Bytes of an answer whose hidden fields are taken out in the event loop; twice as many take 2 ms (measured)."""


class DocumentChecks:
    """Checks requests and answers.

    Args:
        workers: the processes for what may take long.
        files: passes on the files that documents refer to.
    """

    def __init__(self, workers: DocumentWorkers, files: DocumentFiles) -> None:
        self.workers = workers
        self.files = files

    async def check_request(self, consumer: str, operation: Operation, body: bytes) -> str | None:
        """Hold a request against its contract.

        Returns:
            The number of the person whose data is asked for, if the contract says where it stands.

        Raises:
            Refusal: `malformed`, `secret-document`, `contract-violation`, `too-large`.
        """
        schema = operation.request
        if len(body) <= schema.light_bytes or schema.effort.is_light(body):
            request = read_request(operation.limits, body)
            measured = with_exact_numbers(request, body) if schema.needs_exact_numbers else request
            if schema.is_valid(measured):
                return person_in(request, operation.subject)
            if schema.effort.explains_at_once(body):
                raise refusal_of_request(schema, measured)
        return await self.workers.subject_of_request(consumer, operation, body)

    async def check_answer(self, consumer: str, operation: Operation, document: bytes) -> Any:
        """Hold an answer against its contract.

        Returns:
            What the document means, where that was worked out here; else None.

        Raises:
            Refusal: `secret-document`, `provider-broke-contract`.
        """
        schema = operation.response
        if len(document) <= schema.light_bytes or schema.effort.is_light(document):
            return check_answer(schema, operation.answer_limits, document, skip_costly_explanation=True)
        await self.workers.check_answer(consumer, operation, document)
        return None

    async def project(self, consumer: str, projection: Projection, document: bytes, meaning: Any) -> bytes:
        """Take out of an answer what the grant does not show.

        Args:
            meaning: what `check_answer` returned for it.
        """
        if len(document) > MAX_INLINE_PROJECTION_BYTES:
            return await self.workers.project(consumer, projection, document)
        return projection.cut(document, meaning)
