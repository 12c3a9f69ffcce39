"""Health checks, run every few seconds: for `lgsp doctor`, and for one alert each.

A failed check says in a sentence what is wrong and what to do. It stops nothing: calls are stopped where the failure occurs.
"""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from lgsp_gateway.evidence.append.checkpoint_publisher import CheckpointPublisher
from lgsp_gateway.evidence.append.log import EvidenceLog
from lgsp_gateway.observability.adapter_checks import AdapterChecks
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.gateway_checks import GatewayChecks
from lgsp_gateway.registry.replica import RegistryReplica
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal, Text
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import frames

if TYPE_CHECKING:
    from lgsp_gateway.evidence.search.store import Index

INTERVAL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check. `problem` says what is wrong and what to do; None where the check passed."""

    name: str
    problem: Text | None

    def document(self) -> dict[str, Any]:
        """Return the result as `GET /ops/checks` shows it."""
        detail = {"vi": self.problem.vi, "en": self.problem.en} if self.problem else None
        return {"check": self.name, "ok": self.problem is None, "detail": detail}


class Checks:
    """Runs the checks of one gateway, and keeps the results of the last round in `results`.

    Args:
        index: None where this gateway has none.
    """

    def __init__(
        self,
        connection: Client,
        replica: RegistryReplica,
        registry: RegistrySnapshot,
        evidence: EvidenceLog,
        publisher: CheckpointPublisher,
        index: "Index | None",
        adapters: AdapterDiscovery,
        background: Background,
    ) -> None:
        self.connection = connection
        self.background = background
        self.results: list[CheckResult] = []
        self._adapters = adapters
        self._failing: set[str] = set()
        gateway = GatewayChecks(connection, replica, registry, evidence, publisher, index, background)
        self._checks = {**gateway.by_name(), **AdapterChecks(registry, adapters).by_name()}

    async def run(self) -> list[CheckResult]:
        """Run all checks now, log which began or ceased to fail, and return the results."""
        with contextlib.suppress(NatsError, OSError):
            await self._adapters.refresh()
        self.results = [CheckResult(name, await self._run_one(check)) for name, check in self._checks.items()]
        problems = {result.name: result.problem for result in self.results if result.problem}
        for name in problems.keys() - self._failing:
            structlog.get_logger().error("check failed", check=name, why=problems[name].en)
        for name in self._failing - problems.keys():
            structlog.get_logger().info("check recovered", check=name)
        self._failing = set(problems)
        return self.results

    async def _run_one(self, check: Callable[[], Awaitable[Text | None]]) -> Text | None:
        try:
            return await check()
        except Refusal as refusal:
            return refusal.detail
        except (NatsError, APIError, OSError, TimeoutError) as error:
            why = type(error).__name__
            return Text(
                f"NATS không trả lời ({why}); hãy kiểm tra máy chủ NATS.",
                f"NATS does not answer ({why}); check its servers.",
            )
        except Exception as error:  # an error in one check must not hide the results of the others
            why = type(error).__name__
            structlog.get_logger().error("check raised", error=why, frames=frames(error))
            return Text(
                f"Phép kiểm tra này bị lỗi ({why}); hãy báo lỗi này kèm dòng `check raised` trong nhật ký của gateway.",
                f"This check itself failed ({why}); report it with the line `check raised` of the gateway's log.",
            )
