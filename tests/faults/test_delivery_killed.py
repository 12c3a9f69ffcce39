"""Accepted is delivered, whatever is killed: `support/fault_run.py`. `./lgsp bench faults` runs it for as long as it is told.

Each run prints its seed; `LGSP_TEST_SEED` repeats one.
"""

import os
import random
from pathlib import Path

import pytest
from support.fault_run import FaultRun

SEED = int(os.environ.get("LGSP_TEST_SEED", "0")) or random.randrange(1, 1_000_000)
MINUTES = float(os.environ.get("LGSP_FAULTS_MINUTES", "30"))


async def test_nothing_is_lost_while_each_part_is_killed_once(tmp_path: Path) -> None:
    run = FaultRun(tmp_path, SEED, keys=12, of_each=25, kills=4, deadline=100)
    print(f"\nseed {SEED}")
    await run.run()
    print(run.report())
    run.check()


@pytest.mark.long
@pytest.mark.timeout(MINUTES * 60 + 600)
async def test_nothing_is_lost_of_20000_messages_and_20000_events(tmp_path: Path) -> None:
    run = FaultRun(tmp_path, SEED, keys=50, of_each=400, kills=20, deadline=MINUTES * 60)
    print(f"\nseed {SEED}")
    await run.run()
    print(run.report())
    run.check()
