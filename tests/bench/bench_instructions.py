"""How many instructions a call takes in the gateway: a figure that load changes by a few per cent at most. `./lgsp bench run`."""

from pathlib import Path

from support.workbench import Workbench

from bench import history
from bench.instructions import CountedGateway

WARM_UP = 100
FEW, MANY = 100, 500


async def test_instructions_of_a_call(tmp_path: Path) -> None:
    """Of the difference between many calls and few, so that what the background does meanwhile counts for little."""
    bus = await Workbench(tmp_path).start()
    await bus.serve()
    await bus.gateway.stop()
    gateway = CountedGateway(bus, tmp_path)
    await gateway.start()
    try:
        await _call(bus, WARM_UP)
        await gateway.instructions()
        await _call(bus, FEW)
        few = await gateway.instructions()
        await _call(bus, MANY)
        many = await gateway.instructions()
    finally:
        await gateway.stop()
        await bus.stop()
    assert many > few > 0
    history.record("instructions of a call, one connection", (many - few) / (MANY - FEW) / 1000, "thousand")


async def _call(bus: Workbench, calls: int) -> None:
    for _ in range(calls):
        assert (await bus.call()).status == 200
