"""What ends of the registry: grants, keys of systems, contracts with a sunset."""

import datetime
from collections.abc import AsyncIterator

from lgsp_contracts.time_zone import VIETNAM
from lgsp_gateway.observability.expirations.expiration import Expiration
from lgsp_gateway.registry.renewals import successor_of
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_runtime.pacing import Pace

DAYS_SHOWN = 60
"""Before its end from which on something of the registry is listed: there may be thousands."""
SEEN_AT_A_TURN = 500
_DAY = 86_400


async def registry_ends(registry: RegistrySnapshot, now: float) -> AsyncIterator[Expiration]:
    """Yield what ends within 60 days, and nothing that has a successor or has ended: that is no news.

    Args:
        now: seconds since 1970.
    """
    today = datetime.datetime.fromtimestamp(now, VIETNAM).date()
    first, last = today.isoformat(), (today + datetime.timedelta(days=DAYS_SHOWN)).isoformat()
    index, pace = registry.index["Grant"], Pace(SEEN_AT_A_TURN)
    for name in index.names():
        await pace.spend()
        facts = index.facts.get(name)
        if facts is None or facts.phase != "in-force" or not first <= facts.until <= last:
            continue
        if not successor_of(name, registry):
            yield Expiration("grant", name, _end_of_day(facts.until))
    soon = now + DAYS_SHOWN * _DAY
    for system in tuple(registry.systems.values()):
        for key in system.client.jwks:
            if now <= key.get("exp", 0) <= soon:
                yield Expiration("system-key", f"{system.name} {key['kid'][:12]}", key["exp"])
    for service, announcement in tuple(registry.services.announcements.items()):
        if now <= announcement.sunset <= soon:
            yield Expiration("contract", str(service), announcement.sunset)


def _end_of_day(day: str) -> float:
    midnight = datetime.datetime.combine(datetime.date.fromisoformat(day), datetime.time(), VIETNAM)
    return midnight.timestamp() + _DAY
