"""A pool of processes that check large documents, so that nobody but their sender waits for them.

The event loop of a gateway answers everybody; a document of 100,000 values holds it for a tenth of a second, one that exploits a
contract's alternatives for minutes. Threads do not help: parser and validator hold the interpreter's lock (measured). So whatever
does not promise to be quick goes to one of a few processes, which is killed when it takes too long. Each consumer uses one at a time: a
consumer that sends many such documents delays itself alone. The processes start with the first such document.
"""

import asyncio
from typing import Any, Literal

import orjson
import structlog

from lgsp_contracts.contract import Operation
from lgsp_contracts.event import Event
from lgsp_contracts.file_references import FileLimits, FileReference
from lgsp_contracts.message_checks import broken_answer
from lgsp_contracts.projection import Projection
from lgsp_contracts.schemas import Schema
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.strict_json import Limits
from lgsp_gateway.document_workers.turns import FairTurns
from lgsp_gateway.document_workers.worker_process import WorkerProcess
from lgsp_problems import Refusal, Text, Violation, refusal_with_code

AGREEMENT_FACTOR = 5
"""How much longer judging a contract may take than checking a document: it is done once, and loads the second validator first."""
Description = Literal["page", "openapi", "asyncapi", "yaml", "trial"]


class DocumentWorkers:
    """The worker processes of one gateway.

    Every method takes the consumer whose document it is, and waits for its turn.

    Args:
        processes: how many there are, at most.
        seconds: how long checking one document may take.

    Raises:
        Refusal: `quota-exceeded`, in every method but `stop`, when too many documents of the consumer wait.
    """

    def __init__(self, processes: int = 2, seconds: float = 3.0) -> None:
        self._seconds = seconds
        self._processes = [WorkerProcess() for _ in range(processes)]
        self._turns = FairTurns(self._processes)

    async def subject_of_request(self, consumer: str, operation: Operation, body: bytes) -> str | None:
        """Check a request against its contract, and return the number of the person whose data it requests; None where it has none.

        Raises:
            Refusal: as `Operation.check_request`; `too-large`, when that takes longer than is allowed.
        """
        limits = _limits_as_list(operation.limits)
        schema = operation.request.document
        task = {"what": "request", "schema": schema, "subject": operation.subject, "limits": limits}
        result, _ = await self._run_task(consumer, task, body)
        subject = result["subject"]
        return subject if isinstance(subject, str) else None

    async def person_and_ordering_key(self, publisher: str, event: Event, body: bytes) -> tuple[str | None, str | None]:
        """Check the data of an event against its contract.

        Returns:
            The number of the person whom it is about and the value by which it is ordered; None where it has none.

        Raises:
            Refusal: as `Event.check_data`; `too-large`, when that takes longer than is allowed.
        """
        paths = {"subject": event.subject, "orderingKey": event.ordering_key or None}
        task = {"what": "event", "schema": event.data.document, "limits": _limits_as_list(event.limits), **paths}
        result, _ = await self._run_task(publisher, task, body)
        return result["person"], event.as_ordering_key(result["orderingKey"])

    async def check_answer(self, consumer: str, operation: Operation, body: bytes) -> None:
        """Check an adapter's answer against its contract.

        Raises:
            Refusal: as `Operation.check_response`, also where that takes longer than is allowed.
        """
        limits = _limits_as_list(operation.answer_limits)
        task = {"what": "answer", "schema": operation.response.document, "limits": limits}
        try:
            await self._run_task(consumer, task, body)
        except _TakesTooLong as error:
            raise broken_answer(f"takes more than {self._seconds:.0f} s to check") from error

    async def project(self, consumer: str, projection: Projection, body: bytes) -> bytes:
        """Return the part of an answer that a grant lets its consumer see, as JSON.

        Raises:
            Refusal: `provider-broke-contract`, when that takes longer than is allowed.
        """
        try:
            _, visible = await self._run_task(consumer, {"what": "projection", "fields": projection.fields}, body)
        except _TakesTooLong as error:
            raise broken_answer(f"takes more than {self._seconds:.0f} s to project") from error
        return visible

    async def find_files(self, consumer: str, schema: Schema, body: bytes) -> list[FileReference]:
        """Find the files that a valid document refers to, by its schema.

        Raises:
            Refusal: `too-large`, when that takes longer than is allowed.
        """
        result, _ = await self._run_task(consumer, {"what": "files", "schema": schema.document}, body)
        return [
            FileReference(pointer, file, tuple(FileLimits(tuple(types), size) for types, size in limits))
            for pointer, file, limits in result["files"]
        ]

    async def check_contract(self, consumer: str, contract: bytes, location: SourceLocation) -> None:
        """Compile a contract, as JSON.

        Args:
            location: where the contract was written, for its refusals.

        Raises:
            Refusal: as `Contract.from_document`; `too-large`, when that takes longer than is allowed.
        """
        task = {"what": "contract", "name": location.name, "path": location.path}
        await self._run_task(consumer, task, contract)

    async def check_agreement(self, consumer: str, contract: bytes, location: SourceLocation) -> None:
        """Check that two validators agree about the documents of a contract, as JSON.

        Args:
            location: where the contract was written, for its refusals.

        Raises:
            Refusal: as `lgsp_contracts.agreement.comparison.check`; `too-large`, when that takes longer than is allowed.
        """
        task = {"what": "agreement", "name": location.name, "path": location.path}
        seconds = AGREEMENT_FACTOR * self._seconds
        await self._run_task(consumer, task, contract, seconds)

    async def check_replacement(self, consumer: str, name: str, before: bytes, after: bytes) -> None:
        """Check whether a contract may replace the published one; both as JSON.

        Raises:
            Refusal: as `registry.lifecycle.contracts.check_replacement`; `too-large`, when that takes longer than is allowed.
        """
        task = {"what": "replacement", "name": name, "before": len(before)}
        await self._run_task(consumer, task, before + after)

    async def describe(self, consumer: str, form: Description, contract: bytes, **options: Any) -> bytes:
        """Return a description of a contract for people or programs.

        Args:
            form: `page` (HTML), `openapi` or `asyncapi` (JSON), `yaml`, or `trial`, the answer to a request (JSON).
            contract: as JSON.
            options: what it says beside the contract, as the parameters of that form.

        Raises:
            Refusal: `too-large`, when that takes longer than is allowed.
        """
        _, description = await self._run_task(consumer, {"what": form, "options": options}, contract)
        return description

    async def stop(self) -> None:
        """End the processes."""
        await asyncio.gather(*(process.end() for process in self._processes))

    async def _run_task(
        self, consumer: str, task: dict[str, Any], document: bytes, seconds: float | None = None
    ) -> tuple[dict[str, Any], bytes]:
        allowed = seconds or self._seconds
        async with self._turns.turn(consumer) as process:
            try:
                async with asyncio.timeout(allowed):
                    result, made = await process.run(orjson.dumps(task), document)
            except TimeoutError as error:
                await process.end()
                raise _takes_too_long(consumer, "time", allowed) from error
            except (OSError, EOFError, ValueError) as error:
                code = await process.exit_code()
                await process.end()
                if code is not None and code < 0:  # killed by a signal: Rust's allocator aborts where memory ends
                    raise _takes_too_long(consumer, "memory", allowed) from error
                raise DocumentWorkerError("the process ended, or sent no JSON") from error
            except asyncio.CancelledError:
                await process.end()  # its response would be taken for that to the next task
                raise
        if "exhausted" in result:
            raise _takes_too_long(consumer, "memory", allowed)
        if "defect" in result:
            structlog.get_logger().error("document worker raised", task=task["what"], frames=result["defect"])
            raise DocumentWorkerError("a task raised in the process")
        if "refusal" in result:
            raise _decode_refusal(result["refusal"])
        return result, made


class DocumentWorkerError(Exception):
    """A defect of the worker's program, or of its installation; no document causes it."""


class _TakesTooLong(Refusal):
    """Holding a document against its contract takes more time or memory than it may."""


def _takes_too_long(consumer: str, resource: Literal["time", "memory"], seconds: float) -> _TakesTooLong:
    structlog.get_logger().warning("document not checked", consumer=consumer, exhausted=resource)
    return _TakesTooLong(
        "too-large",
        vi=f"Kiểm tra nội dung này theo hợp đồng mất hơn {seconds:.0f} giây; hãy chia nhỏ yêu cầu.",
        en=f"It takes more than {seconds:.0f} seconds to hold this body against its contract; send less in one request.",
    )


def _limits_as_list(limits: Limits) -> list[int]:
    return [limits.values, limits.members]


def _decode_refusal(fields: dict[str, Any]) -> Refusal:
    violations = [Violation(pointer, rule, Text(vi, en)) for pointer, rule, vi, en in fields["violations"]]
    return refusal_with_code(
        fields["code"], vi=fields["vi"], en=fields["en"], violations=violations, private=fields["private"]
    )
