"""Which instances of adapters are drained: take no calls, by the decision of an operator or of the agency that runs them.

The decision is what counts: it lies in a bucket of the bus, with who took it, when and why, and every gateway holds it in memory. The instance is told over a
subject that only gateways may publish to, and told again until it reports that it did so; a gateway that restarts goes on with that.
An instance ends with its process: one that starts anew takes calls.
"""

import dataclasses
from collections.abc import Collection
from typing import Any, Protocol

import orjson
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_auth.principal import Principal
from lgsp_contracts import adapter_control
from lgsp_contracts.adapter_control import Confirmation, Control
from lgsp_contracts.names import ServiceName, SystemName
from lgsp_gateway.calls.execution.drained_services import DrainedServices
from lgsp_gateway.delivery.decisions import Decision, Owner, log_decision, require_same_side
from lgsp_gateway.delivery.replicated_bucket import BucketEntry, ReplicatedBucket
from lgsp_problems import Refusal, RevisionConflict
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.request_reply import NatsRequestReply
from lgsp_runtime.security_events import SecurityLog

BUCKET = "LGSP_DRAINS"
ANSWER_SECONDS = 2.0
"""How long an instance may take to confirm. One that does not is told again after each round of discovery."""
MAX_HISTORY = 20
"""Decisions about one instance that are kept."""
ROUNDS_KEPT = 720
"""Rounds of discovery, an hour of them, after which an instance that is not there is forgotten."""
RUNNER_ROLES = ("agency-admin", "integrator")
"""Who of an agency drains the adapters of its systems."""


class RunningInstance(Protocol):
    """An instance of an adapter, as discovery knows it."""

    @property
    def key(self) -> str:
        """Return what identifies it: `SYSTEM.ID`."""

    @property
    def id(self) -> str:
        """Return its id among those of its system."""

    @property
    def service(self) -> ServiceName:
        """Return the service that it answers for."""

    @property
    def system(self) -> SystemName:
        """Return its system."""

    @property
    def can_be_drained(self) -> bool:
        """Tell whether it listens to decisions."""

    def reports_drained(self) -> bool:
        """Tell whether it reports that it takes no calls."""


class AdapterOwner(Owner):
    """Who runs the adapters of a system: people and systems of its agency with one of the roles."""

    def includes(self, caller: Principal) -> bool:
        """Tell whether a caller is one of them."""
        return self._has_role(caller)


@dataclasses.dataclass(frozen=True, slots=True)
class Drain:
    """What was decided about one instance.

    Args:
        drained: takes no calls.
        history: the decisions, the newest first, each with what was decided.
        revision: of the bucket.
    """

    drained: bool
    history: tuple[tuple[bool, Decision], ...]
    revision: int = 0

    @property
    def stopped(self) -> Decision | None:
        """Return the decision by which it is drained; None where it is not."""
        return self.history[0][1] if self.drained else None

    def document(self) -> dict[str, Any]:
        """Return it as `GET /ops/adapters` shows it."""
        history = [{"drained": drained, **decision.document()} for drained, decision in self.history]
        return {"drained": self.drained, "history": history}

    def serialize(self) -> bytes:
        """Return it as it is stored."""
        history = [[drained, decision.stored()] for drained, decision in self.history]
        return orjson.dumps({"drained": self.drained, "history": history})

    @classmethod
    def parse(cls, stored: bytes, revision: int) -> "Drain":
        """Read what `serialize` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        fields = orjson.loads(stored)
        history = tuple((bool(drained), Decision.parse(decision)) for drained, decision in fields["history"])
        return cls(bool(fields["drained"]), history, revision)


class AdapterDrains:
    """Keeps the decisions, and has them carried out.

    Args:
        bus: writes into the bucket.
        services: kept up to date; calls say by it why nobody answers.
    """

    def __init__(self, bus: NatsRequestReply, services: DrainedServices, security: SecurityLog) -> None:
        self._services = services
        self._bucket = ReplicatedBucket(BUCKET, bus, self._apply)
        self._security = security
        self._drains: dict[str, Drain] = {}
        self._absent: dict[str, int] = {}

    async def start(self, connection: Client, replicas: int, background: Background) -> None:
        """Read the decisions, and follow them from now on.

        Args:
            connection: tells the instances.

        Raises:
            Refusal: `cannot-start` or `bus-unavailable`.
        """
        self._connection = connection
        await self._bucket.start(connection, replicas, background)

    def of(self, instance: RunningInstance) -> Drain | None:
        """Return what was decided about an instance; None where nothing was."""
        return self._drains.get(instance.key)

    def is_drained(self, instance: RunningInstance) -> bool:
        """Tell whether an instance is to take no calls, or reports that it takes none."""
        drain = self._drains.get(instance.key)
        return drain.drained if drain else instance.reports_drained()

    async def decide(
        self, caller: Principal, instance: RunningInstance, agency: str, reason: str, *, drain: bool
    ) -> Confirmation | None:
        """Drain an instance, or let it take calls again.

        Args:
            caller: an operator, or one of the agency of the instance's system.
            agency: the code of that agency.
            reason: why; needed of an operator.
            drain: whether it is to take no calls.

        Returns:
            What the instance confirmed; None where it has not yet: then it is told again every few seconds.

        Raises:
            Refusal: `step-not-allowed` (the other side drained it, or it is too old to be told), `malformed`, `revision-conflict` or
                `bus-unavailable`.
        """
        if not instance.can_be_drained:
            raise _cannot_be_told()
        owner = AdapterOwner(instance.system, agency, RUNNER_ROLES)
        before = self._drains.get(instance.key)
        require_same_side(caller, owner, before.stopped if before else None)
        decision = Decision.of(caller, owner, reason)
        history = ((drain, decision), *(before.history if before else ()))[:MAX_HISTORY]
        decided = Drain(drain, history)
        revision = await self._bucket.put(instance.key, decided.serialize(), before.revision if before else 0)
        step = "drained" if drain else "resumed"
        described = f"The adapter {instance.id} of {instance.service} was {step}"
        log_decision(self._security, caller, f"adapter-{step}", described, instance.key, decision.reason)
        return await self._confirm(instance, Control(drain, revision))

    async def _confirm(self, instance: RunningInstance, control: Control) -> Confirmation | None:
        subject = adapter_control.subject(instance.system, instance.id)
        try:
            reply = await self._connection.request(subject, adapter_control.message(control), ANSWER_SECONDS)
        except (NatsError, OSError, TimeoutError) as error:
            structlog.get_logger().warning("adapter did not confirm", instance=instance.key, error=type(error).__name__)
            return None
        return adapter_control.parse_reply(reply.data)

    def note(self, instances: Collection[RunningInstance]) -> None:
        """Note which services have drained instances alone.

        Args:
            instances: all that are known.
        """
        serving = {instance.service for instance in instances if not self.is_drained(instance)}
        self._services.names = frozenset({instance.service for instance in instances} - serving)

    async def follow(self, instances: Collection[RunningInstance]) -> None:
        """Tell the instances again that report something else than was decided, and forget those that are gone.

        Args:
            instances: all that discovery has found in its last round.

        Raises:
            NatsError, OSError: NATS cannot be reached.
        """
        self.note(instances)
        for instance in instances:
            drain = self._drains.get(instance.key)
            if drain and drain.drained != instance.reports_drained():
                message = adapter_control.message(Control(drain.drained, drain.revision))
                await self._connection.publish(adapter_control.subject(instance.system, instance.id), message)
        present = {instance.key for instance in instances}
        self._absent = {key: self._absent.get(key, 0) + 1 for key in self._drains if key not in present}
        for key in [key for key, rounds in self._absent.items() if rounds >= ROUNDS_KEPT]:
            await self._forget(key)

    async def _forget(self, key: str) -> None:
        del self._absent[key]
        drain = self._drains.get(key)
        if drain is None:
            return  # another gateway has forgotten it while this one forgot others
        try:
            await self._bucket.delete(key, drain.revision)
        except RevisionConflict:
            return  # another gateway has forgotten it, or it is back
        except Refusal as refusal:
            structlog.get_logger().warning("drained adapter not forgotten", code=refusal.code)

    def _apply(self, entry: BucketEntry) -> None:
        self._drains.pop(entry.key, None)
        if entry.value is None:
            return
        try:
            self._drains[entry.key] = Drain.parse(entry.value, entry.revision)
        except (KeyError, TypeError, ValueError) as error:  # of a later version of the bus
            structlog.get_logger().error("drain not in force", instance=entry.key, frames=frames(error))


def _cannot_be_told() -> Refusal:
    return Refusal(
        "step-not-allowed",
        vi="Bộ kết nối này dùng giao thức trước wire 1.2 nên không nhận lệnh tạm dừng; hãy nâng cấp nó, hoặc dừng tiến trình của nó.",
        en="This adapter speaks the wire protocol before 1.2 and cannot be drained; upgrade it, or stop its process.",
    )
