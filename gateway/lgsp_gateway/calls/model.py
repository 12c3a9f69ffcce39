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


class CallHead(NamedTuple):
    """What a caller says before its document.

    Args:
        on_behalf_of: the token of the person for whom it calls; "" for nobody.
        idempotency_key: "" where none was sent.
        parent: the trace context that it sent (W3C `traceparent`); "" where none was.
    """

    target: CallTarget
    credentials: Credentials
    on_behalf_of: str
    idempotency_key: str
    parent: str


Body = bytes | Callable[[], Awaitable[bytes]]
"""A document that is there, or that is read once its caller may call."""


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
        provider: the adapter and the system behind it.
        handled: everything until the entry was ready to be written.
        evidence: until the entry was on disk.
    """

    check: float = 0.0
    provider: float = 0.0
    handled: float = 0.0
    evidence: float = 0.0


@dataclass(slots=True)
class CallResult:
    """What the caller gets.

    Args:
        document: the answer's bytes, without what the grant does not show.
        quota: the values of the headers `RateLimit` and `RateLimit-Policy`.
        announced: what callers are told of the service, such as its end.
    """

    document: bytes
    quota: tuple[str, str]
    announced: Announcement | None
    times: StepTimes
