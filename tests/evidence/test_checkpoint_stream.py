"""Among many checkpoints the right one is found by few look-ups, also where other logs' lie between them."""

from support.workbench import Workbench

from lgsp_gateway.evidence.read import checkpoint_stream
from lgsp_gateway.evidence.read.checkpoint_stream import CheckpointRecord
from lgsp_runtime.nats.connection import connect


async def test_the_right_one_among_many(breakable_bus: Workbench) -> None:
    connection = await connect(breakable_bus.endpoint("gateway"), "test")
    try:
        for n in range(120):
            for log in ("many-1", "many-2") if n % 3 else ("many-1",):
                kept = CheckpointRecord(f"{log} {n}", 2 * n, (), n)
                await connection.jetstream().publish(checkpoint_stream.subject_of(log), kept.data())
        for wanted in (0, 1, 2, 77, 150, 238, 239, 10_000):
            found = await checkpoint_stream.newest_where(
                connection, "many-1", lambda one, size=wanted: one.record.size <= size
            )
            assert found
            assert found.record.size == min(wanted // 2 * 2, 238)
        assert await checkpoint_stream.newest_where(connection, "many-2", lambda one: one.record.size < 2) is None
        last = await checkpoint_stream.last(connection, "many-1")
        assert last
        whole = await checkpoint_stream.between(connection, "many-1", 0, last)
        assert [one.record.size for one in whole] == list(range(0, 240, 2))
        some = await checkpoint_stream.between(connection, "many-1", 0, last, limit=10)
        assert len(some) <= 12
        assert some[-1] == last
        assert await checkpoint_stream.between(connection, "many-1", last.number, last) == []
        assert await checkpoint_stream.last(connection, "nobody") is None
    finally:
        await connection.close()
