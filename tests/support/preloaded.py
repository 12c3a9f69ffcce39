"""`lgsp` processes forked from one that has imported the bus already: real processes, really killed, that start in a moment.

Starting the interpreter and importing took 1.5 s of a core for each of the 400 processes of the suite, most of its time.
What a fresh interpreter does is seen by `end_to_end/test_up.py` and `faults/test_starting.py`, which take `Process` and its `run`.
"""

import asyncio
import gc
import multiprocessing
import os
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

import lgsp_adapters.cli
import lgsp_contracts.cli
import lgsp_gateway.cli
from lgsp_gateway.cli.main import main
from lgsp_gateway.local.processes import die_with_parent
from support.processes import ROOT, Process, surroundings
from support.waits import WORK_SECONDS

_COMMANDS = [
    f"{package.__name__}.{module.name}"
    for package in (lgsp_gateway.cli, lgsp_adapters.cli, lgsp_contracts.cli)
    for module in pkgutil.iter_modules(package.__path__)
]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *_COMMANDS,
        "lgsp_contracts.agreement.comparison",
        "lgsp_gateway.evidence.search.indexer",
        "lgsp_adapters.host.served_adapter",
    ]
)


class Preloaded(Process):
    """One process of the bus, by the arguments of its command."""

    async def _launch(self) -> "Fork":
        with self.log.open("ab") as log:
            return await Fork.of(self.command, self.environment, log.fileno())


class Fork:
    """A process as asyncio's own subprocesses look to those who use them."""

    def __init__(
        self, arguments: list[str], environment: Mapping[str, str], streams: Sequence[int], folder: str = str(ROOT)
    ) -> None:
        """Start it.

        Args:
            arguments: of the command.
            environment: all of its variables.
            streams: file descriptors of its stdin, stdout and stderr; they stay open here.
            folder: where it runs.
        """
        self.stdout: asyncio.StreamReader | None = None
        given = [Connection(os.dup(streams[0]))]
        given += [Connection(os.dup(stream), readable=False) for stream in streams[1:]]
        become = (arguments, dict(environment), folder, given)
        self._process = _FORKS.Process(target=_become, args=become, daemon=True)
        self._process.start()
        for connection in given:
            connection.close()
        self._ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._process.sentinel, self._ending, loop)

    @classmethod
    async def of(cls, arguments: list[str], environment: Mapping[str, str], stderr: int, stdin: bytes = b"") -> "Fork":
        """Start one whose stdout can be read; `stderr` is a file descriptor."""
        asked, to_ask = os.pipe()
        told, to_tell = os.pipe()
        os.write(to_ask, stdin)  # what a pipe holds: 64 KiB
        os.close(to_ask)
        fork = cls(arguments, environment, (asked, to_tell, stderr))
        os.close(asked)
        os.close(to_tell)
        fork.stdout = await _reader(told)
        return fork

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    async def wait(self) -> int:
        await self._ended.wait()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def _ending(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set()


async def run(
    *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes = b""
) -> tuple[int, str, str]:
    """Run the lgsp command to its end: exit code, stdout, stderr."""
    fork, errors = await begin(*arguments, environment=environment, stdin=stdin)
    async with asyncio.timeout(WORK_SECONDS):
        assert fork.stdout
        out, err = await asyncio.gather(fork.stdout.read(), errors.read())
        return await fork.wait(), out.decode(), err.decode()


async def begin(
    *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes = b""
) -> tuple[Fork, asyncio.StreamReader]:
    """Start the lgsp command: the process, and what reads its stderr."""
    told, to_tell = os.pipe()
    fork = await Fork.of(list(arguments), surroundings(environment), to_tell, stdin)
    os.close(to_tell)
    return fork, await _reader(told)


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
    )
    return reader


def _become(arguments: list[str], environment: dict[str, str], folder: str, given: list[Connection]) -> None:
    """Be the `lgsp` command with these arguments: the child's side."""
    os.setsid()
    die_with_parent()  # which ends with the tests, however these end
    for number, connection in enumerate(given):
        os.dup2(connection.fileno(), number)
        connection.close()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # as a fresh process has it; one of them keeps the fork server alive
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode) for number, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["lgsp", *arguments]
    gc.freeze()  # or its first collection of garbage would go through all that was preloaded, and copy it
    main()
