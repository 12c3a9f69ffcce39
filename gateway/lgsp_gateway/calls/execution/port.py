"""What the pipeline asks of whoever carries out a call: now, later, or on another bus."""

from typing import NamedTuple, Protocol

from lgsp_gateway.calls.authorize import AuthorizedCall
from lgsp_gateway.calls.model import CallRequest, StepTimes
from lgsp_gateway.calls.record import CallRecord
from lgsp_gateway.registry.indexed_documents import System
from lgsp_problems import Refusal


class DeclaredError(Refusal):
    """The provider answered with an error that the contract declares."""


class Execution(NamedTuple):
    """One call to be carried out.

    Args:
        consumer: who calls.
        body: the request's document, which keeps the contract.
        times: where it is noted what the adapter says that it took; also where the call fails.
        key: what the provider may tell a repeated call by (`call.key`); "" where the caller sent no Idempotency-Key.
    """

    request: CallRequest
    consumer: System
    authorized: AuthorizedCall
    body: bytes
    times: StepTimes
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


class Acceptance(NamedTuple):
    """A message that was accepted, to be delivered later.

    Args:
        message: its id: that of the first call, where the same Idempotency-Key was used before.
        repeated: whether an earlier call with the same Idempotency-Key was accepted as this message.
        entry: of the evidence.
    """

    message: str
    repeated: bool
    entry: bytes


class Outbox(Protocol):
    """Takes calls that are carried out later."""

    async def accept(self, execution: Execution, record: CallRecord) -> Acceptance:
        """Take one call; its message is on disk when this returns.

        Args:
            execution: what may be carried out; its head has a `deferral`.
            record: what is known of the call.

        Raises:
            Refusal: `malformed`, `idempotency-conflict`, `not-found` (an endpoint for the callback that the caller does not have),
                `storage-quota-exceeded`, `storage-full` or `bus-unavailable`.
        """
