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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol, cast

from lgsp_adapters.errors import AdapterError
from lgsp_contracts.provider_limit import Denial, ProviderLimit
from lgsp_contracts.source_location import SourceLocation
from lgsp_contracts.wire import Context, Failure
from lgsp_problems import ProblemCode, Refusal, Text
from lgsp_runtime.background import Background
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


class Adapter:
    """The base class of an integrator's own adapter (the connector `python`).

    Args:
        connection: the manifest's `connection`, its references to secrets resolved.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached_property
    def background(self) -> Background:
        """Start here what runs beside the calls: it is supervised, reported by `lgsp doctor`, and ended after `close`."""
        return Background()

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
        """Describe the data that the adapter answers from, for the health of its service; empty where it keeps none."""
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
