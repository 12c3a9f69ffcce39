"""No background task ends unseen: each is told of, counted, and started again, or its process ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog
from structlog.testing import LogCapture
from support.waits import eventually

from lgsp_problems import Refusal
from lgsp_runtime import background
from lgsp_runtime.async_tasks import TASK_NAME_PREFIX, Stopped, run_until
from lgsp_runtime.background import Background
from lgsp_runtime.background_task import MAX_PAUSE, Task

SECRET = "022093001234"


@pytest.fixture
def log() -> Iterator[LogCapture]:
    before = structlog.get_config()
    captured = LogCapture()
    structlog.configure(processors=[captured])
    yield captured
    structlog.configure(**before)


@pytest_asyncio.fixture
async def tasks() -> AsyncIterator[Background]:
    async with asyncio.timeout(20), Background() as found:
        yield found


class Rounds:
    """Fails in its first rounds, then works."""

    def __init__(self, *faults: BaseException | None) -> None:
        self.faults = list(faults)
        self.worked = asyncio.Event()
        self.rounds = 0

    async def __call__(self) -> None:
        self.rounds += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            raise fault
        self.worked.set()


async def test_a_task_that_fails_is_told_of_with_its_frames_and_started_again(
    tasks: Background, log: LogCapture
) -> None:
    rounds = Rounds(None, IndexError(SECRET))
    task = tasks.run_every("looking", 0, rounds, within=1)
    await eventually(lambda: task.failures)
    rounds.worked.clear()
    assert tasks.failures() == {"looking": "IndexError"}
    await rounds.worked.wait()
    assert tasks.failures() == {}
    assert task.failures == 1
    [line] = log.entries
    assert (line["event"], line["task"], line["error"]) == ("background task failed", "looking", "IndexError")
    assert line["frames"][-1].endswith("__call__")
    assert SECRET not in json.dumps(line)


@pytest.mark.parametrize(
    "ended",
    [
        pytest.param(lambda: asyncio.sleep(0), id="returns"),
        pytest.param(lambda: asyncio.current_task().cancel() and asyncio.sleep(1), id="cancelled by a stranger"),  # type: ignore[union-attr]
        pytest.param(lambda: asyncio.sleep(1), id="hangs"),
    ],
)
async def test_a_task_that_ends_or_hangs_has_failed(tasks: Background, log: LogCapture, ended: object) -> None:
    hangs = asyncio.Event()

    async def work() -> None:
        if not hangs.is_set():
            hangs.set()
            await asyncio.wait_for(ended(), 0.05)  # type: ignore[operator]
            return
        again.set()
        await asyncio.Event().wait()

    again = asyncio.Event()
    task = tasks.run_forever("serving", work)
    await again.wait()
    assert task.failures == 1
    assert log.entries[0]["event"] == "background task failed"


async def test_a_round_that_hangs_is_given_up(tasks: Background) -> None:
    entered = 0
    twice = asyncio.Event()

    async def hangs() -> None:
        nonlocal entered
        entered += 1
        if entered == 2:
            twice.set()
        await asyncio.Event().wait()

    task = tasks.run_every("looking", 0, hangs, within=0.05)
    await twice.wait()
    assert task.last_error == "TimeoutError"


async def test_an_essential_task_ends_its_process(log: LogCapture) -> None:
    stop = asyncio.Event()

    async def process() -> None:
        async with Background(stop) as tasks:
            tasks.run_every("index", 0, Rounds(*[KeyError(SECRET)] * 99), within=1, essential=True)
            await stop.wait()

    with pytest.raises(Refusal, match="The background task index fails again and again"):
        await asyncio.wait_for(process(), 20)
    assert log.entries[-1]["event"] == "background task failed for good, this process ends"
    assert len(log.entries) == background.ESSENTIAL_TRIES


async def test_work_and_callbacks_that_break_are_told_of(tasks: Background, log: LogCapture) -> None:
    async def breaks(_: object = None) -> None:
        raise ValueError(SECRET)

    tasks.run_once("kick", breaks())
    await tasks.guard("changes", breaks)(None)
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await eventually(lambda: sum(tasks.callback_failures.values()) >= 3)
    assert tasks.callback_failures == {"kick": 1, "changes": 1, "event loop": 1}
    assert all(line["frames"] for line in log.entries)
    assert SECRET not in json.dumps(log.entries)


async def test_stopping_ends_all_also_what_swallows_a_cancellation() -> None:
    async def stubborn() -> None:
        for _ in range(3):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    async with Background() as tasks:
        kept: list[Task] = [tasks.run_forever("stubborn", stubborn), tasks.run_forever("usual", asyncio.Event().wait)]
        tasks.run_once("begun", stubborn())
        await asyncio.sleep(0)
    assert all(task.running and task.running.done() for task in kept)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(TASK_NAME_PREFIX)]


async def test_until_takes_what_comes_first() -> None:
    stop = asyncio.Event()

    async def answer() -> int:
        return 7

    assert await run_until(stop.wait(), answer()) == 7
    stop.set()
    with pytest.raises(Stopped):
        await run_until(stop.wait(), asyncio.Event().wait())


async def test_a_task_that_has_failed_for_days_is_still_started_again(tasks: Background) -> None:
    rounds = Rounds(IndexError(SECRET))
    task = tasks.run_every("looking", 0, rounds, within=1)
    task.consecutive_failures = 5_000
    async with asyncio.timeout(20):
        while not task.failures:
            await asyncio.sleep(0)
    assert task.restart is not None
    assert task.restart_pause == MAX_PAUSE
