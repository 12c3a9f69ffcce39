"""The stream of cosignatures and timestamps: what others vouch for, so that the bus alone cannot rewrite what happened.

A witness cosigns a checkpoint after it has checked that the log continues the one it cosigned before. A timestamp authority
(RFC 3161) certifies when a checkpoint existed. The newest of each is stored in a stream, and handed out with proofs.
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
    """Create the stream of cosignatures, or check that the one that exists is configured as it must be.

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


async def store(bus: NatsRequestReply, gateway: GatewayName, cosignature: Cosignature) -> None:
    """Store a cosignature or a timestamp of a gateway's log; it is on disk when this returns.

    Raises:
        Refusal: `bus-unavailable`.
    """
    acknowledgement = await bus.publish(
        _subject_of(gateway, cosignature.by), orjson.dumps(cosignature.document()), {}, WRITE_SECONDS
    )
    if not acknowledgement.get("seq"):
        raise bus_unavailable()


async def newest(connection: Client, gateway: GatewayName) -> list[Cosignature]:
    """Read the newest cosignature of each witness of a log, and its newest timestamp."""
    jetstream = connection.jetstream()
    cosignatures = []
    for subject in await streams.subjects(connection, STREAM, f"seals.{gateway}.*"):
        try:
            message = await jetstream.get_last_msg(STREAM, subject)
            cosignatures.append(Cosignature.parse(orjson.loads(message.data or b"{}")))
        except (NotFoundError, ValueError):
            continue
    return cosignatures


def _subject_of(gateway: GatewayName, by: str) -> str:
    """Return the subject of a witness in hex, since its name may hold characters that subjects may not."""
    return f"seals.{gateway}.{by.encode().hex()}"
