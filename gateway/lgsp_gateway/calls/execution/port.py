"""What the pipeline asks of whoever carries out a call: now, later, or on another bus."""

from typing import NamedTuple, Protocol

from lgsp_gateway.calls.authorize import AuthorizedCall
from lgsp_gateway.calls.model import CallRequest
from lgsp_gateway.registry.indexed_documents import System
from lgsp_problems import Refusal


class DeclaredError(Refusal):
    """The provider answered with an error that the contract declares."""


class Execution(NamedTuple):
    """One call to be carried out.

    Args:
        consumer: who calls.
        body: the request's document, which keeps the contract.
        key: what the provider may tell a repeated call by (`call.key`); "" where the caller sent no Idempotency-Key.
    """

    request: CallRequest
    consumer: System
    authorized: AuthorizedCall
    body: bytes
    key: str = ""


class ExecutionPort(Protocol):
    """Carries out calls."""

    @property
    def is_available(self) -> bool:
        """Tell whether calls can be carried out now."""

    async def execute(self, execution: Execution) -> bytes:
        """Carry out one call.

        Returns:
            The provider's document, as it came.

        Raises:
            DeclaredError: an error that the contract declares.
            Refusal: `no-adapter`, `provider-timeout`, `provider-failed`,
                `provider-broke-contract`, `provider-limit-reached`, `request-unfit` or `bus-unavailable`.
        """
