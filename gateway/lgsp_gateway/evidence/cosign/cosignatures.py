"""Cosignatures and timestamps: what others say of a log's checkpoints, so that the bus alone cannot rewrite what happened.

A witness cosigns a checkpoint after it has seen that the log goes on from the one it cosigned before. A timestamp authority
(RFC 3161) says when a checkpoint was there. The newest of each is kept in a stream, and put beside proofs.
"""

import orjson
from nats.aio.client import Client
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.verify.cosignature import Cosignature
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import NatsRequestReply, bus_unavailable

STREAM = "LGSP_SEALS"
WRITE_SECONDS = 3.0


async def ensure(connection: Client, replicas: int) -> None:
    """Make the stream, or check that it is as it must be.

    Raises:
        Refusal: `cannot-start`.
    """
    config = StreamConfig(
        name=STREAM,
        description="What witnesses and timestamp authorities say of the evidence",
        subjects=["seals.*.*"],
        num_replicas=replicas,
        deny_delete=True,
        deny_purge=True,
    )
    await streams.ensure(connection, config)


async def keep(bus: NatsRequestReply, gateway: GatewayName, cosignature: Cosignature) -> None:
    """Keep a cosignature or a timestamp.

    Raises:
        Refusal: `bus-unavailable`.
    """
    said = await bus.publish(_subject(gateway, cosignature.by), orjson.dumps(cosignature.document()), {}, WRITE_SECONDS)
    if not said.get("seq"):
        raise bus_unavailable()


async def newest(connection: Client, gateway: GatewayName) -> list[Cosignature]:
    """Read the newest cosignature of each witness of a log, and its newest timestamp."""
    jetstream = connection.jetstream()
    found = []
    for subject in await streams.subjects(connection, STREAM, f"seals.{gateway}.*"):
        try:
            found.append(Cosignature.parse(orjson.loads((await jetstream.get_last_msg(STREAM, subject)).data or b"{}")))
        except (NotFoundError, ValueError):
            continue
    return found


def _subject(gateway: GatewayName, by: str) -> str:
    """Names of witnesses may hold what subjects may not."""
    return f"seals.{gateway}.{by.encode().hex()}"
