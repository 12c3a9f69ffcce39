"""The webhook endpoints of all systems, in memory: what subscriptions and callbacks look an endpoint up in."""

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint


class Endpoints:
    """The endpoints that exist now, as this gateway knows them."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[SystemName, str], Endpoint] = {}
        self._by_id: dict[str, Endpoint] = {}

    def find(self, endpoint_id: str) -> Endpoint | None:
        """Return the endpoint with an id; None where there is none. Whoever asks checks that it belongs to the caller's system."""
        return self._by_id.get(endpoint_id)

    def find_named(self, system: SystemName, name: str) -> Endpoint | None:
        """Return the endpoint of a system with a name; None where there is none."""
        return self._by_key.get((system, name))

    def of_system(self, system: SystemName) -> list[Endpoint]:
        """Return the endpoints of a system, by name."""
        return sorted((one for one in self._by_id.values() if one.system == system), key=lambda one: one.name)

    def all(self) -> list[Endpoint]:
        """Return all endpoints, by system and name."""
        return sorted(self._by_id.values(), key=lambda one: (one.system, one.name))

    def put(self, endpoint: Endpoint) -> None:
        """Take over a stored endpoint, unless a newer version of it is known."""
        key = (endpoint.system, endpoint.name)
        known = self._by_key.get(key)
        if known is None or endpoint.revision >= known.revision:
            self.remove(*key)
            self._by_key[key] = self._by_id[endpoint.id] = endpoint

    def remove(self, system: SystemName, name: str) -> None:
        """Forget an endpoint that was deleted."""
        known = self._by_key.pop((system, name), None)
        if known:
            self._by_id.pop(known.id, None)
