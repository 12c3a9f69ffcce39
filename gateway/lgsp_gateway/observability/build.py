"""Builds the observability of a gateway: metrics, traces, security events, health checks."""

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.storage.space import StorageSpace
from lgsp_gateway.evidence.build import EvidenceReading, EvidenceWriting, log_signer
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.keys.removed_keys import RemovedKeys
from lgsp_gateway.observability.adapter_discovery import AdapterDiscovery, Drains
from lgsp_gateway.observability.call_observer import CallTelemetry
from lgsp_gateway.observability.checks import INTERVAL_SECONDS, Checks
from lgsp_gateway.observability.expirations.expirations import Expirations
from lgsp_gateway.observability.expirations.gateway_exchange import GatewayExchange
from lgsp_gateway.observability.expirations.own_ends import OwnEnds
from lgsp_gateway.observability.last_backup import LastBackup
from lgsp_gateway.observability.metrics import Metrics
from lgsp_gateway.observability.storage_checks import StorageChecks
from lgsp_gateway.registry.build import RegistryParts
from lgsp_runtime import logs, tracing
from lgsp_runtime.background import Background
from lgsp_runtime.security_events import SecurityLog

CHECKS_SECONDS = 60.0
"""How long one round of checks may take."""


def open_telemetry(stack: AsyncExitStack, settings: GatewaySettings, keys: KeyStore) -> CallTelemetry:
    """Open metrics, traces and the security log, and record in the latter which keys are in use.

    Args:
        stack: closes them at the end.
    """
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
    """Record removals of keys in the security log from now on."""

    def record_removal(issuer: str, key: str) -> None:
        description = f"{key} of {issuer} was removed: tokens that it signed are no longer valid"
        security.event("key-removed", "success", "configuration", description, lgsp__key=key)

    keys.on_removed(record_removal)


def watch_backups(keys: Path, checks: Checks, metrics: Metrics) -> None:
    """Check from now on when this machine made its last backup, and export it.

    Args:
        keys: the folder of keys of the bus, where `lgsp backup create` leaves the time.
    """
    backups = LastBackup(keys)
    checks.add(backups.by_name())
    metrics.watch(backups)


@dataclass(frozen=True, slots=True)
class Health:
    """The adapters on the bus, the results of the checks, and what ends."""

    adapters: AdapterDiscovery
    checks: Checks
    expirations: Expirations

    @classmethod
    async def open(
        cls,
        own: OwnEnds,
        registry: RegistryParts,
        writing: EvidenceWriting,
        reading: EvidenceReading,
        metrics: Metrics,
        space: StorageSpace,
        drains: Drains,
        background: Background,
    ) -> "Health":
        """Discover adapters and run the checks in the background from now on, and export both in the metrics.

        Args:
            own: what ends of this gateway, and its connection to NATS.
            drains: which adapters are to take no calls; they are told so.
        """
        connection, adapters = own.connection, AdapterDiscovery(registry.snapshot, drains)
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
        checks.include(StorageChecks(space).by_name())
        background.run_every("checks", INTERVAL_SECONDS, checks.run, within=CHECKS_SECONDS)
        metrics.watch_checks(checks, background)
        expirations = Expirations(own, GatewayExchange(connection), registry.snapshot, adapters)
        await expirations.start(background)
        checks.include(expirations.by_name())
        metrics.watch(expirations)
        return cls(adapters, checks, expirations)
