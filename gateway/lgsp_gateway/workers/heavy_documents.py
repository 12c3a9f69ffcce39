"""Documents that take long to check are checked in processes of their own, so that nobody else waits for them.

The event loop of a gateway answers everybody; a document of 100,000 values holds it for a tenth of a second, one that plays on a
contract's alternatives for minutes. Threads do not help: parser and validator hold the interpreter's lock (measured). So whatever
`lgsp_contracts.effort` does not promise to be quick goes to one of a few processes, which is ended when it takes too long. Each
consumer has one turn at a time there: whoever sends many such documents waits for itself.

The processes start with the first such document. What they are asked is a line of JSON and the document, and so is the answer.
"""

import asyncio
import socket
import subprocess
import sys
from collections import OrderedDict, deque
from typing import Any, Literal

import orjson
import structlog

from lgsp_contracts.checking import broken_answer
from lgsp_contracts.contract import Operation
from lgsp_contracts.projection import Projection
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.strict_json import Limits
from lgsp_problems import QuotaExceeded, Refusal, Text, Violation

MAX_WAITING = 100
"""Documents of one consumer that wait for their turn."""


Description = Literal["page", "openapi", "asyncapi"]


class HeavyDocuments:
    """The processes of one gateway, and who waits for them.

    Args:
        processes: how many there are, at most.
        seconds: how long checking one document may take.
    """

    def __init__(self, processes: int = 2, seconds: float = 3.0) -> None:
        self._seconds = seconds
        self._free: list[_Checker] = [_Checker() for _ in range(processes)]
        self._all = tuple(self._free)
        self._served: set[str] = set()
        self._waiting: OrderedDict[str, deque[asyncio.Future[_Checker]]] = OrderedDict()

    async def subject_of_request(self, consumer: str, operation: Operation, body: bytes) -> str | None:
        """Hold a request against its contract: the number of the person whose data is asked for.

        Raises:
            Refusal: as `Operation.check_request`; `too-large`, when that takes longer than anybody may wait.
        """
        asked = {"what": "request", "schema": operation.request.document, "subject": operation.subject}
        try:
            said, _ = await self._ask(consumer, {**asked, "limits": _written(operation.limits)}, body)
        except _TooLong as error:
            raise _takes_too_long(self._seconds) from error
        subject = said["subject"]
        return subject if isinstance(subject, str) else None

    async def check_answer(self, consumer: str, operation: Operation, body: bytes) -> None:
        """Hold an adapter's answer against its contract.

        Raises:
            Refusal: as `Operation.check_response`, also where that takes longer than anybody may wait.
        """
        asked = {"what": "answer", "schema": operation.response.document, "limits": _written(operation.answer_limits)}
        try:
            await self._ask(consumer, asked, body)
        except _TooLong as error:
            raise broken_answer(f"takes more than {self._seconds:.0f} s to check") from error

    async def project(self, consumer: str, projection: Projection, body: bytes) -> bytes:
        """What of an answer may be seen.

        Raises:
            Refusal: `provider-broke-contract`, when that takes longer than anybody may wait.
        """
        try:
            _, visible = await self._ask(consumer, {"what": "projection", "fields": projection.fields}, body)
        except _TooLong as error:
            raise broken_answer(f"takes more than {self._seconds:.0f} s to project") from error
        return visible

    async def check_contract(self, consumer: str, contract: bytes, where: SourceLocation) -> None:
        """Compile a contract.

        Raises:
            Refusal: as `Contract.from_document`; `too-large`, when that takes longer than anybody may wait.
        """
        try:
            await self._ask(consumer, {"what": "contract", "name": where.name, "path": where.path}, contract)
        except _TooLong as error:
            raise _takes_too_long(self._seconds) from error

    async def check_replacement(self, consumer: str, name: str, before: bytes, after: bytes) -> None:
        """Hold a contract against the published one that it is to take the place of.

        Raises:
            Refusal: as `registry.lifecycle.contracts.check_replacement`; `too-large`, when that takes longer than anybody may wait.
        """
        asked = {"what": "replacement", "name": name, "before": len(before)}
        try:
            await self._ask(consumer, asked, before + after)
        except _TooLong as error:
            raise _takes_too_long(self._seconds) from error

    async def describe(self, consumer: str, what: Description, contract: bytes, **told: Any) -> bytes:
        """Write what a contract looks like to people or programs.

        Args:
            what: which description.
            told: what it says beside the contract, by name.

        Raises:
            Refusal: `too-large`, when that takes longer than anybody may wait.
        """
        try:
            _, written = await self._ask(consumer, {"what": what, "told": told}, contract)
        except _TooLong as error:
            raise _takes_too_long(self._seconds) from error
        return written

    async def stop(self) -> None:
        """End the processes."""
        await asyncio.gather(*(checker.end() for checker in self._all))

    async def _ask(self, consumer: str, asked: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        checker = await self._turn(consumer)
        try:
            async with asyncio.timeout(self._seconds):
                said, document = await checker.ask(orjson.dumps(asked), body)
        except (TimeoutError, OSError, EOFError, ValueError) as error:
            structlog.get_logger().warning("document not checked", consumer=consumer, error=type(error).__name__)
            await checker.end()
            raise _TooLong from error
        except asyncio.CancelledError:
            await checker.end()  # what it says now would be taken for the answer to the next document
            raise
        finally:
            self._pass_on(consumer, checker)
        if "refusal" in said:
            raise _refusal(said["refusal"])
        return said, document

    async def _turn(self, consumer: str) -> "_Checker":
        if self._free and consumer not in self._served:
            self._served.add(consumer)
            return self._free.pop()
        queue = self._waiting.setdefault(consumer, deque())
        if len(queue) >= MAX_WAITING:
            raise QuotaExceeded(
                vi="Có quá nhiều tài liệu lớn của hệ thống này đang chờ kiểm tra; hãy chờ các yêu cầu trước xong rồi gửi tiếp.",
                en="Too many large documents of this system wait to be checked; wait for the earlier requests and send again.",
                retry_after=2,
            )
        turn: asyncio.Future[_Checker] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on(consumer, turn.result())
            raise

    def _pass_on(self, consumer: str, checker: "_Checker") -> None:
        """The turn of a consumer is over: the next is whoever waits longest and is not served now."""
        self._served.discard(consumer)
        self._free.append(checker)
        for waiting in list(self._waiting):
            queue = self._waiting[waiting]
            while queue and queue[0].done():
                queue.popleft()
            if not queue:
                del self._waiting[waiting]
            elif self._free and waiting not in self._served:
                self._served.add(waiting)
                queue.popleft().set_result(self._free.pop())
                self._waiting.move_to_end(waiting)


class _TooLong(Exception):  # noqa: N818 - becomes a refusal, whose words depend on whose document it is
    """A document was not checked in time, or took its process with it."""


class _Checker:
    """One process, started when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    async def ask(self, asked: bytes, body: bytes) -> tuple[dict[str, Any], bytes]:
        """Ask it one thing.

        Raises:
            OSError, EOFError: it is gone.
        """
        if self._process is None:
            await self._start()
        for part in (asked, body):
            self._taking.write(len(part).to_bytes(4, "big") + part)
        await self._taking.drain()
        said, document = [
            await self._giving.readexactly(int.from_bytes(await self._giving.readexactly(4), "big")) for _ in range(2)
        ]
        return orjson.loads(said), document

    async def _start(self) -> None:
        """Start it by `vfork`: a copy of a gateway's page tables takes 64 ms where its registry is large, in which nobody is answered."""
        ours, its = socket.socketpair()
        with its:
            process = subprocess.Popen(  # noqa: ASYNC220 - asyncio's own takes uvloop's fork; this takes a millisecond
                [sys.executable, "-m", "lgsp_gateway.workers.heavy_documents_process"],
                stdin=its.fileno(),
                stdout=its.fileno(),
                start_new_session=True,  # Ctrl-C in a terminal is for the gateway, which ends it
            )
        try:
            self._giving, self._taking = await asyncio.open_connection(sock=ours)
        except BaseException:  # whoever gives up here leaves no process behind
            ours.close()
            process.kill()
            process.wait()
            raise
        self._process = process

    async def end(self) -> None:
        """End it; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self._taking.close()
            await asyncio.to_thread(process.wait)


def _written(limits: Limits) -> list[int]:
    return [limits.values, limits.members]


def _refusal(told: dict[str, Any]) -> Refusal:
    violations = [Violation(pointer, rule, Text(vi, en)) for pointer, rule, vi, en in told["violations"]]
    return Refusal(told["code"], vi=told["vi"], en=told["en"], violations=violations, private=told["private"])


def _takes_too_long(seconds: float) -> Refusal:
    return Refusal(
        "too-large",
        vi=f"Kiểm tra nội dung này theo hợp đồng mất hơn {seconds:.0f} giây; hãy chia nhỏ yêu cầu.",
        en=f"It takes more than {seconds:.0f} seconds to hold this body against its contract; send less in one request.",
    )
