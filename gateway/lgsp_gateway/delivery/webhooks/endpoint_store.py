"""The webhook endpoints on disk, in the bucket `LGSP_ENDPOINTS`, and in the memory of each gateway.

The key of an endpoint is its system and its name, so the server itself lets a name be taken once. What stands in the place of a deleted
one says who deleted it.
"""

from typing import Any, Final

import orjson
import structlog
from nats.aio.client import Client

from lgsp_contracts.names import SystemName
from lgsp_gateway.delivery.change_history import History, parse_history, stored_history
from lgsp_gateway.delivery.decisions import Decision
from lgsp_gateway.delivery.deletions import Deletion, RecentDeletions
from lgsp_gateway.delivery.replicated_bucket import BucketEntry, ReplicatedBucket
from lgsp_gateway.delivery.webhooks.endpoint import Endpoint, Secret
from lgsp_gateway.delivery.webhooks.endpoints import Endpoints
from lgsp_gateway.delivery.webhooks.sealed_secrets import SealedSecrets
from lgsp_runtime.background import Background
from lgsp_runtime.error_frames import frames
from lgsp_runtime.nats.request_reply import NatsRequestReply

BUCKET: Final = "LGSP_ENDPOINTS"


class EndpointStore:
    """Writes endpoints, and keeps `endpoints` in step with what any gateway wrote.

    Args:
        bus: writes into the bucket.
        sealing: encrypts the secrets.
    """

    def __init__(self, bus: NatsRequestReply, sealing: SealedSecrets) -> None:
        self.endpoints = Endpoints()
        self._bucket = ReplicatedBucket(BUCKET, bus, self._apply)
        self._sealing = sealing
        self.deletions = RecentDeletions()

    async def start(self, connection: Client, replicas: int, background: Background) -> None:
        """Read the endpoints, and follow them from now on.

        Raises:
            Refusal: `cannot-start` or `bus-unavailable`.
        """
        await self._bucket.start(connection, replicas, background)

    async def write(self, endpoint: Endpoint) -> Endpoint:
        """Store an endpoint over the revision that it was made from (0 for a new one); return it as it is stored.

        Raises:
            RevisionConflict: somebody else changed it first, or took the name.
            Refusal: `bus-unavailable`.
        """
        key = _key(endpoint)
        expected = endpoint.revision or await self._revision_of_none(key)
        await self._bucket.put(key, self._serialized(endpoint), expected)
        return self.endpoints.find(endpoint.id) or endpoint

    def history_before(self, system: SystemName, name: str) -> History:
        """Return the history of a name that a deleted endpoint of a system had; empty where nothing is known of one."""
        deleted = self.deletions.at(f"{system}.{name}")
        return deleted.history if deleted else ()

    async def delete(self, endpoint: Endpoint, decision: Decision) -> None:
        """Delete an endpoint; see `write`."""
        deletion = Deletion.of(endpoint.id, endpoint.name, endpoint.system, decision, endpoint.history)
        await self._bucket.delete(_key(endpoint), endpoint.revision, deletion.serialize())

    async def _revision_of_none(self, key: str) -> int:
        """Return the revision that a new endpoint replaces: of what is left of a deleted one, as long as the server keeps that; else 0."""
        entry = await self._bucket.read(key)
        return entry.revision if entry.value is None else 0

    def _apply(self, entry: BucketEntry) -> None:
        system, _, name = entry.key.partition(".")
        if entry.value is None:
            self.endpoints.remove(SystemName(system), name)
            self.deletions.put(entry.key, entry.note)
            return
        self.deletions.discard(entry.key)
        try:
            self.endpoints.put(self._parsed(entry.value, entry.revision))
        except (KeyError, TypeError, ValueError) as error:  # of a later version of the bus: nothing is sent there
            structlog.get_logger().error("webhook endpoint not in force", endpoint=entry.key, frames=frames(error))

    def _serialized(self, endpoint: Endpoint) -> bytes:
        secrets = [
            {
                "id": one.id,
                "sealed": self._sealing.seal(one.value, endpoint.id, one.id),
                "createdAt": one.created_at,
                "expiresAt": one.expires_at,
            }
            for one in endpoint.secrets
        ]
        return orjson.dumps(
            {
                "id": endpoint.id,
                "name": endpoint.name,
                "system": endpoint.system,
                "url": endpoint.url,
                "concurrency": endpoint.concurrency,
                "rate": endpoint.rate,
                "state": endpoint.state,
                "decision": endpoint.decision.stored() if endpoint.decision else None,
                "createdAt": endpoint.created_at,
                "secrets": secrets,
                "history": stored_history(endpoint.history),
            }
        )

    def _parsed(self, stored: bytes, revision: int) -> Endpoint:
        members: dict[str, Any] = orjson.loads(stored)
        secrets = [self._parsed_secret(members["id"], one) for one in members["secrets"]]
        return Endpoint(
            id=members["id"],
            name=members["name"],
            system=SystemName(members["system"]),
            url=members["url"],
            secrets=tuple(one for one in secrets if one),
            concurrency=members["concurrency"],
            rate=members["rate"],
            state=members["state"],
            decision=Decision.parse(decision) if (decision := members.get("decision")) else None,
            created_at=members["createdAt"],
            history=parse_history(members.get("history", [])),
            revision=revision,
        )

    def _parsed_secret(self, endpoint: str, members: dict[str, Any]) -> Secret | None:
        """Read a secret; None where the key that sealed it is gone, so that it can only be replaced."""
        value = self._sealing.open(members["sealed"], endpoint, members["id"])
        if value is None:
            structlog.get_logger().error("webhook secret cannot be decrypted", endpoint=endpoint, secret=members["id"])
            return None
        return Secret(members["id"], value, members["createdAt"], members["expiresAt"])


def _key(endpoint: Endpoint) -> str:
    return f"{endpoint.system}.{endpoint.name}"
