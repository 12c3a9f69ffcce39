"""Health checks, run every few seconds: for `lgsp doctor`, and for one alert each.

A failed check says in a sentence what is wrong and what to do. It stops nothing: calls are stopped where the failure occurs.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
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

Check = Callable[[], Awaitable[Text | None]]
"""Returns what is wrong and what to do; None where nothing is."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    Args:
        problem: what is wrong and what to do; None where the check passed.
        since: when it began to fail or to pass, as far as this gateway knows, in seconds since 1970.
    """

    name: str
    problem: Text | None
    since: float

    def document(self) -> dict[str, Any]:
        """Return the result as `GET /ops/checks` shows it."""
        detail = {"vi": self.problem.vi, "en": self.problem.en} if self.problem else None
        return {"check": self.name, "ok": self.problem is None, "detail": detail, "since": round(self.since, 3)}


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
        self._finished = asyncio.Event()
        self._checks: dict[str, Check] = {}
        gateway = GatewayChecks(connection, replica, registry, evidence, publisher, index, background)
        self.add(gateway.by_name())
        self.add(AdapterChecks(registry, adapters).by_name())

    def add(self, checks: Mapping[str, Check]) -> None:
        """Run these checks too, after the others, from now on.

        Args:
            checks: by the names under which `lgsp doctor` and the metrics show them.
        """
        self._checks.update(checks)

    def include(self, checks: Mapping[str, Callable[[], Awaitable[Text | None]]]) -> None:
        """Run more checks from now on.

        Args:
            checks: by their names; each returns what is wrong, or None.
        """
        self._checks |= checks

    def failing(self) -> dict[str, Text]:
        """Return what was wrong in the last round, by the name of the check."""
        return {result.name: result.problem for result in self.results if result.problem}

    async def run(self) -> list[CheckResult]:
        """Run all checks now, log which began or ceased to fail, and return the results."""
        with contextlib.suppress(NatsError, OSError):
            await self._adapters.refresh()
        before = {result.name: result for result in self.results}
        self.results = [
            _result(name, await self._run_one(check), before.get(name)) for name, check in self._checks.items()
        ]
        finished, self._finished = self._finished, asyncio.Event()
        finished.set()
        problems = {result.name: result.problem for result in self.results if result.problem}
        for name in problems.keys() - self._failing:
            structlog.get_logger().error("check failed", check=name, why=problems[name].en)
        for name in self._failing - problems.keys():
            structlog.get_logger().info("check recovered", check=name)
        self._failing = set(problems)
        return self.results

    async def next_round(self) -> None:
        """Wait for the end of the round that runs, or of the next one."""
        await self._finished.wait()

    async def _run_one(self, check: Check) -> Text | None:
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


def _result(name: str, problem: Text | None, before: CheckResult | None) -> CheckResult:
    is_same = before is not None and (before.problem is None) == (problem is None)
    return CheckResult(name, problem, before.since if before and is_same else time.time())
