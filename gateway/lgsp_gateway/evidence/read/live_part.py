"""Which part of a log is still in the stream: reader and archiver must agree on where it begins."""

from nats.aio.client import Client

from lgsp_contracts.names import GatewayName
from lgsp_gateway.evidence.read import checkpoint_stream, entry_stream
from lgsp_gateway.evidence.read.checkpoint_stream import CheckpointRecord
from lgsp_gateway.evidence.verify.log_part import LOG_BEGINNING, PartStart


async def find_live_start(connection: Client, gateway: GatewayName) -> tuple[PartStart, int]:
    """Find where the part of a log begins that is still in the stream.

    What a checkpoint covers is archived when none of it is still in the stream.

    Returns:
        The start of the part, and the number of its checkpoint in the stream of checkpoints; 0 at the beginning of the log.
    """
    first_batch = await entry_stream.first_of(connection, gateway)
    checkpoint = await checkpoint_stream.newest_where(
        connection, gateway, lambda stored: not first_batch or stored.record.sequence < first_batch
    )
    return (start_after(checkpoint.record), checkpoint.number) if checkpoint else (LOG_BEGINNING, 0)


def start_after(record: CheckpointRecord) -> PartStart:
    """Return the start of the part of a log that follows a checkpoint."""
    return PartStart(record.size, record.compact_range, record.note)
