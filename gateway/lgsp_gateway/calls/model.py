"""What a face makes of what it received, and what it is given back: a call in the bus's own words, whatever protocol it came by."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from lgsp_gateway.registry.lifecycle.announcements import Announcement


class CallTarget(NamedTuple):
    """What a call asks for, as its caller names it; an empty service where the caller named none."""

    service: str
    major: int
    operation: str
    purpose: str


class Credentials(NamedTuple):
    """What a request shows of its sender.

    Args:
        authorization: the `Authorization` header.
        proof: the `DPoP` header (RFC 9449), and what it must be for: `method` and `path`.
        address: the IP address that it comes from.
        digest: the `bearer_digest` of its token.
    """

    authorization: str | None
    proof: str
    method: str
    path: str
    address: str
    digest: bytes = b""


class Deferral(NamedTuple):
    """What a caller says of a call that it prefers to be accepted now and carried out later, as it says it.

    Args:
        preferred: whether it asked for that (`Prefer: respond-async`). The others count with it alone.
        ordering_key, priority, callback: the headers `Lgsp-Ordering-Key`, `Lgsp-Priority` and `Lgsp-Callback`; "" where not sent.
    """

    preferred: bool
    ordering_key: str
    priority: str
    callback: str


class CallHead(NamedTuple):
    """What a caller says before its document.

    Args:
        on_behalf_of: the token of the person for whom it calls; "" for nobody.
        idempotency_key: "" where none was sent.
        parent: the trace context that it sent (W3C `traceparent`); "" where none was.
        deferral: None for a call to be carried out at once.
        reference: the number of the dossier that it is for, as it was sent; "" where none was.
        trial_by: the opaque id of the person who only tries the operation: adapters before a sandbox are asked, and no other; "" for a call.
        trial_through: the system by which the person does; "" for none.
    """

    target: CallTarget
    credentials: Credentials
    on_behalf_of: str
    idempotency_key: str
    parent: str
    deferral: Deferral | None = None
    reference: str = ""
    trial_by: str = ""
    trial_through: str = ""


Body = bytes | Callable[[int], Awaitable[bytes]]
"""A document that is there, or that is read once its caller may call, up to the bytes that the contract allows."""


class CallRequest(NamedTuple):
    """A call as it came in.

    Args:
        message: its id (UUIDv7).
        traceparent: the trace context that it carries onwards.
        salt: 16 random bytes, which make the digests in its entry unguessable. The caller and the adapter get them; no entry holds them.
    """

    message: str
    traceparent: str
    salt: bytes
    head: CallHead
    body: Body

    @property
    def trace(self) -> str:
        """Return the id of the trace: 32 hex digits."""
        return self.traceparent[3:35]


@dataclass(slots=True)
class StepTimes:
    """Where the time of a call went, in milliseconds. Each step is timed once, and read from here by everybody.

    Args:
        check: identity, authorization, quota and the request's contract.
        provider: the adapter and the system behind it, and the way there and back over NATS.
        adapter: of these, what the adapter says that it took, with the system behind it; None where it does not say.
        upstream: of these, what the adapter says that it waited for that system; None where it does not say.
        handled: everything until the entry was ready to be written.
        evidence: until the entry was on disk.
    """

    check: float = 0.0
    provider: float = 0.0
    handled: float = 0.0
    evidence: float = 0.0
    adapter: float | None = None
    upstream: float | None = None

    def set_claimed(self, adapter: float | None, upstream: float | None, elapsed: float) -> None:
        """Take the durations that an adapter claims, where they can be true.

        Args:
            elapsed: milliseconds that the gateway waited for the reply.
        """
        if adapter is None or adapter > elapsed:
            return
        self.adapter = round(adapter, 2)
        if upstream is not None and upstream <= adapter:
            self.upstream = round(upstream, 2)


@dataclass(slots=True)
class CallResult:
    """What the caller gets.

    Args:
        document: the answer's bytes, without what the grant does not show.
        quota: the values of the headers `RateLimit` and `RateLimit-Policy`.
        announced: what callers are told of the service, such as its end.
        accepted: the id of the message, where the call is carried out later; "" where this is its answer.
    """

    document: bytes
    quota: tuple[str, str]
    announced: Announcement | None
    times: StepTimes
    accepted: str = ""
