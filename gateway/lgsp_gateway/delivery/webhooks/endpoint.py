"""A webhook endpoint: where a system receives, how fast, and the secrets that sign what is sent there."""

from dataclasses import dataclass
from typing import Literal

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.change_history import History
from lgsp_gateway.delivery.decisions import Decision

EndpointState = Literal["active", "paused"]

DEFAULT_CONCURRENCY = 8
MAX_CONCURRENCY = 64
DEFAULT_RATE = 100.0
MAX_RATE = 10_000.0
MAX_ENDPOINTS = 50
"""Endpoints of one system."""
MAX_SECRETS = 4
"""Secrets of one endpoint that sign at the same time."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that signs what is sent to an endpoint.

    Args:
        id: names it in the API.
        value: the secret as Standard Webhooks writes it, `whsec_…`.
        created_at: seconds since 1970.
        expires_at: seconds since 1970, after which it signs no more; None for the one that signs from now on.
    """

    id: str
    value: str
    created_at: float
    expires_at: float | None = None

    def __repr__(self) -> str:
        """Return a description without the secret, for logs and error messages."""
        return f"Secret({self.id})"

    def signs(self, now: float) -> bool:
        """Tell whether it signs at a time (seconds since 1970)."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One webhook endpoint of a system.

    Args:
        id: a UUIDv7; subscriptions name it.
        name: unique among the endpoints of its system; a call names it in `Lgsp-Callback`.
        system: the system that receives there. Nobody else sees the endpoint.
        url: where requests are sent; `egress.url` has checked it.
        secrets: the newest first; each that counts now signs each request.
        concurrency: requests that may be under way at the same time.
        rate: requests that may begin in a second.
        state: nothing is sent to a paused one but the test event.
        decision: who paused or resumed it; None where nobody did.
        created_at: seconds since 1970.
        history: of its name: an endpoint that is made again goes on with that of before.
        revision: of the stored document; a change names the one that it was made from.
    """

    id: str
    name: str
    system: SystemName
    url: str
    secrets: tuple[Secret, ...]
    concurrency: int = DEFAULT_CONCURRENCY
    rate: float = DEFAULT_RATE
    state: EndpointState = "active"
    decision: Decision | None = None
    created_at: float = 0.0
    history: History = ()
    revision: int = 0

    @property
    def stopped(self) -> Decision | None:
        """Return the decision that stopped it; None where it is active."""
        return self.decision if self.state == "paused" else None
