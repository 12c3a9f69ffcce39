"""The interface of an adapter: one async method per operation, from a valid request to a valid answer.

    class Land(Adapter):
        async def lookup_parcel(self, request, call):
            row = await self.upstream.get_json(f"/parcels/{request['soThua']}", call)
            if row is None:
                raise Declared("parcel-not-found")
            return {"soThua": row["no"], "dienTich": row["area"]}

The method's name is the operation's with underscores. The gateway has checked the request and checks the answer.
"""

import inspect
import math
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, Protocol, cast

from lgsp_adapters.errors import AdapterError
from lgsp_adapters.upstream_time import UpstreamTime
from lgsp_adapters.watching.source import EventSource
from lgsp_contracts.provider_limit import Denial, ProviderLimit
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.wire import Context, Failure
from lgsp_problems import CannotStart, ProblemCode, Refusal, Text
from lgsp_runtime.background import Background
from lgsp_runtime.security_events import SecurityLog
from lgsp_runtime.tracing import Spans

Document = dict[str, Any]
NOT_TRACED = Spans()
Connection = Mapping[str, Any]


class Call:
    """One call as its adapter sees it: who asks, why, and how long anybody still waits.

    `traceparent` is to be sent on to the system behind, which `Upstream` does.

    Args:
        longest: seconds that a contract gives at most. The deadline is a time of the wall clock, which may be wrong here or at
            the gateway, or jump: it is read once, and counts no longer than this.
        rehearsal: whatever it changes is to be undone before it is answered; only adapters that say so get such a call.
    """

    def __init__(
        self, context: Context, spans: Spans = NOT_TRACED, longest: float = math.inf, *, rehearsal: bool = False
    ) -> None:
        self.context = context
        self.rehearsal = rehearsal
        self.requests = 0
        """Requests that were sent to the system behind, but those of a login: what it may have carried out already."""
        self.upstream_time = UpstreamTime()
        self._until = time.monotonic() + min(context.deadline / 1000 - time.time(), longest)
        self.spans = spans
        self.traceparent = context.traceparent

    @property
    def remaining(self) -> float:
        """Return the seconds until the deadline; zero or less when no caller waits any more."""
        return self._until - time.monotonic()


class Declared(AdapterError, Refusal):  # noqa: N818 - the public interface reads as sentences do
    """An error that the contract declares, such as `citizen-not-found`: an answer like any other."""

    def __init__(self, code: str) -> None:
        super().__init__(code, vi=code, en=code, kind=ProblemCode(400, Text(code, code)))


class UpstreamFailed(AdapterError, Refusal):  # noqa: N818 - the public interface reads as sentences do
    """The system behind the adapter gave no usable answer.

    Args:
        note: goes to the log: no data of a person in it.
        upstream_message: the system's own error message, which `adapter try` and `contract test` print on the integrator's terminal. It
            may quote a document, so it is neither logged nor sent.
        connected: a connection was established and failed later, so a new one proves nothing about the system.
    """

    def __init__(self, why: Failure, note: str, *, upstream_message: str = "", connected: bool = False) -> None:
        super().__init__("provider-failed", vi=note, en=note, private=note)
        self.why: Failure = why
        self.upstream_message = upstream_message
        self.connected = connected


class FileRefused(UpstreamFailed):
    """The bus does not take a file, and never will: it is a program, has malware in it, or is not what its type or name says.

    Args:
        note: goes to the log.
    """

    def __init__(self, note: str) -> None:
        super().__init__("refused", note)


class LimitReached(AdapterError, Refusal):  # noqa: N818 - the public interface reads as sentences do
    """The limit that the provider sets is reached: no request may be sent before the deadline of the call, or the provider refused one (429).

    Args:
        note: names the part of the limit, for the log.
        retry_after: seconds after which a call may succeed.
        was_sent: it was the provider that refused a request.
    """

    def __init__(self, note: str, retry_after: int, *, was_sent: bool = False) -> None:
        super().__init__("provider-limit-reached", vi=note, en=note, private=note, retry_after=retry_after)
        self.was_sent = was_sent


class UnfitRequest(AdapterError, Refusal):  # noqa: N818 - the public interface reads as sentences do
    """The request cannot be expressed for the system behind the adapter, and nothing was sent: the request is at fault, not the system.

    Args:
        note: says what does not fit, for the log: no value of the request.
    """

    def __init__(self, note: str) -> None:
        super().__init__("request-unfit", vi=note, en=note, private=note)


class UpstreamLate(AdapterError, Refusal):  # noqa: N818 - the public interface reads as sentences do
    """The system behind the adapter did not answer before the deadline. `note` goes to the log: no data of a person in it."""

    def __init__(self, note: str = "") -> None:
        super().__init__("provider-timeout", vi="quá hạn", en="past the deadline", private=note)


class PublicationRefused(AdapterError, Refusal):  # noqa: N818 - the public interface reads as sentences do
    """The bus does not accept an event as it is: sent again, it would be refused again.

    Args:
        code: of the problem.
        vi: the sentence in Vietnamese, without a value of the event.
        en: the same in English.
    """

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(code, vi=vi, en=en, kind=ProblemCode(400, Text(code, code)), private=en)


class EventIdUsed(PublicationRefused):
    """An event with this id was published before, with other content: that one counts."""


class EventPublisher(Protocol):
    """Where the events of an adapter's system are published."""

    async def publish(
        self,
        event: str,
        data: Any,
        *,
        id: str,  # noqa: A002 - as CloudEvents names it
        time: datetime | str | None = None,
        traceparent: str = "",
    ) -> str:
        """Publish an event, and return the id of its message when it is on disk; see `Adapter.publish`."""


class Permits(Protocol):
    """Where requests to a provider with a limit are counted."""

    async def acquire(self, limit: ProviderLimit, name: str, permit: str, seconds: float) -> Denial | None:
        """Count a request that begins now, or say when to ask again.

        Args:
            name: of the limit.
            permit: of the request, to release it by.
            seconds: after which it has surely ended.

        Raises:
            UpstreamFailed: `uncounted`, when the count cannot be reached.
        """

    def release(self, name: str, permit: str) -> None:
        """Count a request as ended."""


class FileFacts(NamedTuple):
    """What is known of a file of the bus; `name` may be empty."""

    name: str
    media_type: str
    size: int


class BusFiles(Protocol):
    """The files of the bus, as the adapter's system may read and write them.

    `read` and `write` hold a file in memory; `stream` and `write_stream` pass it on in pieces, whatever its size.
    """

    async def describe(self, reference: str, call: Call) -> FileFacts:
        """Return name, type and size of a file; see `read` for errors."""

    def stream(self, reference: str, call: Call) -> AsyncIterator[bytes]:
        """Yield the content of a file in pieces; see `read` for errors."""

    async def write_stream(
        self, pieces: AsyncIterable[bytes], size: int, name: str, media_type: str, call: Call
    ) -> str:
        """Store a file of a known size that comes in pieces, and return its reference; see `read` for errors."""

    async def read(self, reference: str, call: Call) -> bytes:
        """Return the content of a file.

        Args:
            reference: `/files/{uuid}`, as a document has it.

        Raises:
            UpstreamFailed, UpstreamLate: it cannot be read.
        """

    async def write(self, content: bytes, name: str, media_type: str, call: Call) -> str:
        """Store a file, and return its reference; see `read` for errors.

        Raises:
            FileRefused: it will be refused each time.
        """


class Adapter:
    """The base class of an integrator's own adapter (the connector `python`).

    Args:
        connection: the manifest's `connection`, its references to secrets resolved.
    """

    _publisher: EventPublisher | None = None
    _files: BusFiles | None = None
    security = SecurityLog("", "")
    """Where security events are reported; nowhere unless the process was told where."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached_property
    def background(self) -> Background:
        """Start here what runs beside the calls: it is supervised, reported by `lgsp doctor`, and ended after `close`."""
        return Background()

    async def publish(
        self,
        event: str,
        data: Any,
        *,
        id: str,  # noqa: A002 - as CloudEvents names it
        time: datetime | str | None = None,
        traceparent: str = "",
    ) -> str:
        """Publish an event of the service, and return the id of its message when it is on disk.

        It waits while the bus cannot be reached, and sends the event again under the same id until it is accepted or refused; so call it in
        a task of `self.background` or for a call, not in `open`. Events with the same ordering key are published in the order of the calls.

        Args:
            event: its name in the contract.
            data: the document, as the contract describes it.
            id: what identifies the event within the system, the same each time it is published: the bus counts it once. Take no number of
                a person, since the evidence holds it.
            time: when it happened; a text by RFC 3339; now by default.
            traceparent: of the call that led to it, if one did.

        Raises:
            EventIdUsed: the id stands for an event with other content, which was published before.
            PublicationRefused: the event breaks the contract, or may not be published.
            Refusal: `cannot-start`, when the adapter runs without a bus.
        """
        if self._publisher is None:
            raise CannotStart(
                vi="Bộ kết nối đang chạy không có trục nên không công bố được sự kiện; hãy chạy nó bằng lgsp adapter run.",
                en="The adapter runs without a bus and can publish no event; run it with lgsp adapter run.",
            )
        return await self._publisher.publish(event, data, id=id, time=time, traceparent=traceparent)

    def publish_events_with(self, publisher: EventPublisher) -> None:
        """Publish through this from now on. Called once, before `open`."""
        self._publisher = publisher

    @property
    def files(self) -> BusFiles:
        """Return the files of the bus.

        Raises:
            Refusal: `cannot-start`, when the adapter runs without a bus.
        """
        if self._files is None:
            raise CannotStart(
                vi="Bộ kết nối đang chạy không có trục nên không có tệp; hãy chạy nó bằng lgsp adapter run.",
                en="The adapter runs without a bus and has no files; run it with lgsp adapter run.",
            )
        return self._files

    def use_files(self, files: BusFiles) -> None:
        """Read and write files through this from now on. Called once, before `open`."""
        self._files = files

    def event_sources(self) -> Mapping[str, EventSource]:
        """Return what is watched for each event; empty where the adapter publishes by itself, or nothing."""
        return {}

    async def open(self) -> None:
        """Get ready to answer. The system behind need not be up yet."""

    async def close(self) -> None:
        """Release what `open` acquired."""

    def count_requests_with(self, permits: Permits) -> None:
        """Count the requests to a system with a limit together with other copies of the adapter. Called once, before the first call."""

    def write_nothing(self) -> None:
        """Leave nothing beside the data that is read, such as reports: the adapter is only tried. Called before `open`."""

    async def settle(self) -> None:
        """Wait until data that is just arriving is in use or refused: `adapter try` asks for the newest. Most adapters keep none."""

    def explain_outdated(self) -> Sequence[str]:
        """Say in lines for the integrator's terminal why newer data than that in use is not taken; no line where it is, or none is kept."""
        return ()

    def warnings(self) -> list[Text]:
        """Say what the manifest allows that should not stay so, for `lgsp adapter check`."""
        return []

    def standing(self) -> Mapping[str, Any]:
        """Describe for the health of its service what the adapter keeps; empty where it keeps nothing.

        Returns:
            `data`: which data it answers from; `setAside`: what it could not deliver and a person should look at
            (`count`, `since` in seconds since 1970, `reason` without a value of a document).
        """
        return {}

    def writes(self, operation: str) -> bool:
        """Tell whether an operation changes something in the provider's system, whatever its contract says. Tests ask before they call."""
        return False

    def can_rehearse(self, operation: str) -> bool:
        """Tell whether the operation can answer a call whose `rehearsal` is set, and leave nothing behind."""
        return False

    async def sample_request(self, operation: str) -> Document | None:
        """Return a request that the system can answer, found in the system itself; None to try the contract's example.

        `adapter try` and `contract test` use it, so that a contract, which everybody reads, needs no example out of a register.

        Raises:
            UpstreamLate, UpstreamFailed: the system does not say.
        """
        return None

    def method(self, operation: str) -> Callable[[Document, Call], Awaitable[Document]] | None:
        """Return the method that answers an operation, or None."""
        handler: Callable[[Document, Call], Awaitable[Document]] | None = getattr(
            self, operation.replace("-", "_"), None
        )
        return handler


def method_of(
    adapter: Adapter, operation: str, location: SourceLocation
) -> Callable[[Document, Call], Awaitable[Document]]:
    """Find the method that answers an operation.

    Raises:
        Refusal: `invalid-document`, when there is none, or its signature is wrong.
    """
    method = adapter.method(operation)
    fault = method_fault(method, operation)
    if fault:
        raise location.refusal(fault.vi, fault.en)
    return cast("Callable[[Document, Call], Awaitable[Document]]", method)


def method_fault(method: Any, operation: str) -> Text | None:
    """Return what keeps a method from answering an operation, without a full stop; None where nothing does.

    Args:
        method: None where there is none. What is no bound method is taken as it is.
    """
    name = operation.replace("-", "_")
    if method is None:
        return Text(
            f"bộ kết nối không có phương thức {name} cho thao tác {operation}; hãy viết nó",
            f"the adapter has no method {name} for the operation {operation}; write it",
        )
    if inspect.ismethod(method) and not (inspect.iscoroutinefunction(method) and _takes_request_and_call(method)):
        return Text(
            f"phương thức {name} phải là `async def {name}(self, request, call)`",
            f"the method {name} must be `async def {name}(self, request, call)`",
        )
    return None


def _takes_request_and_call(method: Callable[..., object]) -> bool:
    try:
        inspect.signature(method).bind({}, None)
    except TypeError:
        return False
    return True
