"""The process that reads one file (`reader.py` starts it, and says why): job on stdin, file as a descriptor, parts on stdout.

A part is a JSON document behind its length in four bytes. It may fail in any way; only the report on the file is affected.
"""

import os
import resource
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import orjson

if TYPE_CHECKING:
    from lgsp_adapters.subprocess_reader.parser import Emit, Parser

NICE = 10
"""Calls come first. Begins after the imports, which are short: where all cores are busy they would take ten times as long."""

MARGIN_SECONDS = 5


def main() -> None:
    """Run one job."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what a library prints must not mix with the parts

        def emit(part: Mapping[str, Any]) -> None:
            content = orjson.dumps(part)
            out.write(len(content).to_bytes(4) + content)

        job = orjson.loads(sys.stdin.buffer.read())
        _set_limits(**job["limits"])
        with os.fdopen(int(sys.argv[1]), "rb") as file:
            file.seek(0)
            emit({**_run_parser(job, file, emit), "last": True})


def _set_limits(memory: int, seconds: int) -> None:
    """Limit memory and time of the process, and let the system kill it first where memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123
            score.write("1000")
    except OSError:
        pass
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + MARGIN_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _run_parser(job: Mapping[str, Any], file: BinaryIO, emit: "Emit") -> Mapping[str, Any]:
    from lgsp_adapters.tabular.limits import UnreadableFileError  # noqa: PLC0415 - under the bounds
    from lgsp_runtime.error_frames import frames  # noqa: PLC0415

    try:
        parser = cast("Parser", import_module(job["parser"]))
        os.nice(NICE)
        return parser.parse(job, file, emit)
    except UnreadableFileError as unreadable:
        return {"unreadable": str(unreadable)}
    except MemoryError:
        return {"unreadable": f"it takes more than {job['limits']['memory'] // 1024**2} MiB of memory to be read"}
    except RecursionError:
        return {"unreadable": "it is nested too deeply"}
    except Exception as error:
        return {"error": type(error).__name__, "frames": frames(error)}


if __name__ == "__main__":
    main()
