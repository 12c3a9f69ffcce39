"""Builds what operations sees of a gateway: metrics, traces, security events, health."""

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass

from nats.aio.client import Client

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.evidence.build import EvidenceReading, EvidenceWriting, log_signer
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.keys.removed_keys import RemovedKeys
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery
from lgsp_gateway.observability.call_observer import CallTelemetry
from lgsp_gateway.observability.checks import EVERY_SECONDS, Checks
from lgsp_gateway.observability.metrics import Metrics
from lgsp_gateway.registry.build import RegistryParts
from lgsp_runtime import logs, tracing
from lgsp_runtime.background import Background
from lgsp_runtime.security_events import SecurityLog

CHECKS_SECONDS = 60.0
"""How long the checks of `lgsp doctor` may take together."""


def open_telemetry(stack: AsyncExitStack, settings: GatewaySettings, keys: KeyStore) -> CallTelemetry:
    """Open what observes calls, and say in the security events which keys are used."""
    security = SecurityLog(settings.security_log, f"gateway {settings.name}")
    stack.callback(security.stop)
    traces = None
    if tracing.is_configured():
        from lgsp_gateway.observability.traces import Traces  # noqa: PLC0415 - takes 0.1 s to load

        traces = Traces(settings.name)
        stack.callback(traces.stop)
    _announce_keys(settings, keys, security)
    return CallTelemetry(Metrics(), traces, security, logs.level() == logging.DEBUG)


def _announce_keys(settings: GatewaySettings, keys: KeyStore, security: SecurityLog) -> None:
    def signs_tokens(key: str) -> None:
        security.event("key-used", "success", "configuration", f"{key} signs tokens from now on", lgsp__key=key)

    keys.on_new_key = signs_tokens
    signs_tokens(keys.ring().current.kid)
    log = str(log_signer(settings, keys).key)
    security.event("key-used", "success", "configuration", "signs checkpoints from now on", lgsp__key=log)


def announce_removed_keys(keys: RemovedKeys, security: SecurityLog) -> None:
    """Say in the security events from now on which key is gone."""

    def has_gone(issuer: str, key: str) -> None:
        description = f"{key} of {issuer} is gone: what it signed has ended"
        security.event("key-removed", "success", "configuration", description, lgsp__key=key)

    keys.on_removed(has_gone)


@dataclass(frozen=True, slots=True)
class Health:
    """Which adapters there are, and what the checks found."""

    adapters: AdapterDiscovery
    checks: Checks

    @classmethod
    def open(
        cls,
        connection: Client,
        registry: RegistryParts,
        writing: EvidenceWriting,
        reading: EvidenceReading,
        metrics: Metrics,
        background: Background,
    ) -> "Health":
        """Look at everything now and then, and show it in the metrics too."""
        adapters = AdapterDiscovery(registry.snapshot)
        adapters.start(connection, background)
        metrics.watch_adapters(adapters)
        checks = Checks(
            connection,
            registry.replica,
            registry.snapshot,
            writing.log,
            writing.publisher,
            reading.index,
            adapters,
            background,
        )
        background.run_every("checks", EVERY_SECONDS, checks.run, within=CHECKS_SECONDS)
        metrics.watch_checks(checks, background)
        return cls(adapters, checks)
