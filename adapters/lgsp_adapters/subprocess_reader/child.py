"""The process that reads one file (`reader.py` starts it, and says why): job on stdin, file as a descriptor, parts on stdout.

A part is a JSON document behind its length in four bytes. It may break in any way; nobody but the file's report is concerned.
"""

import hashlib
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import orjson

ROWS_AT_ONCE = 100
NICE = 10
"""Calls come first. Begins after the imports, which are short: where all cores are busy they would take ten times as long."""

MARGIN_SECONDS = 5

Say = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Do one job."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # whatever a library prints is no part

        def say(part: Mapping[str, Any]) -> None:
            content = orjson.dumps(part)
            out.write(len(content).to_bytes(4) + content)

        job = orjson.loads(sys.stdin.buffer.read())
        _bound(**job["limits"])
        with os.fdopen(int(sys.argv[1]), "rb") as file:
            file.seek(0)
            say({**_done(job, file, say), "last": True})


def _bound(memory: int, seconds: int) -> None:
    """Never more than this, whatever happens; and the first to go where memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123
            score.write("1000")
    except OSError:
        pass
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + MARGIN_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _done(job: Mapping[str, Any], file: BinaryIO, say: Say) -> Mapping[str, Any]:
    from lgsp_adapters.tabular.limits import Unreadable  # noqa: PLC0415 - under the bounds
    from lgsp_runtime.error_frames import frames  # noqa: PLC0415

    try:
        return _register(job, file, say) if job["kind"] == "files" else _requests(job, file, say)
    except Unreadable as unreadable:
        return {"unreadable": str(unreadable)}
    except MemoryError:
        return {"unreadable": f"it takes more than {job['limits']['memory'] // 1024**2} MiB of memory to be read"}
    except RecursionError:
        return {"unreadable": "it is nested too deeply"}
    except Exception as error:
        return {"broke": type(error).__name__, "frames": frames(error)}


def _register(job: Mapping[str, Any], file: BinaryIO, say: Say) -> Mapping[str, Any]:
    from lgsp_adapters.connectors.files import register  # noqa: PLC0415
    from lgsp_adapters.tabular import tables  # noqa: PLC0415
    from lgsp_contracts.places import Place  # noqa: PLC0415
    from lgsp_contracts.schemas import Schema  # noqa: PLC0415

    os.nice(NICE)
    place = Place(job["name"], text=job["text"]) / "operations"
    lookups = {
        name: register.Lookup(document, place / name, Schema(job["responses"][name], name), job["connection"])
        for name, document in job["operations"].items()
    }
    layout = tables.Layout(**job["layout"])
    content = _digest(file)
    table = tables.read(file, layout, register.needed(lookups))
    found = register.judged(table, lookups, optional=layout.format == "xml")
    if not found.faults:
        for begin in range(0, len(table.rows), ROWS_AT_ONCE):
            say({"rows": [orjson.dumps(row).decode() for row in table.rows[begin : begin + ROWS_AT_ONCE]]})
        for name, keys in found.keys.items():
            pairs = [(orjson.dumps(key).decode(), numbers) for key, numbers in keys.items()]
            for begin in range(0, len(pairs), ROWS_AT_ONCE):
                say({"operation": name, "keys": pairs[begin : begin + ROWS_AT_ONCE]})
    return {
        "rows": len(table.rows),
        "found": {name: sum(len(numbers) for numbers in keys.values()) for name, keys in found.keys.items()},
        "faults": found.faults,
        "withoutKey": found.without_key,
        "notices": found.notices,
        "content": content,
    }


def _requests(job: Mapping[str, Any], file: BinaryIO, say: Say) -> Mapping[str, Any]:
    from lgsp_adapters.connectors.rows import connector  # noqa: PLC0415
    from lgsp_adapters.tabular import tables  # noqa: PLC0415
    from lgsp_contracts.places import Place  # noqa: PLC0415
    from lgsp_contracts.schemas import Schema  # noqa: PLC0415

    os.nice(NICE)
    place = Place(job["name"], text=job["text"])
    made = connector.Made(job["request"], place / "request", Schema(job["schema"], "request"), job["connection"])
    layout = tables.Layout(**job["layout"])
    content = _digest(file)
    table = tables.read(file, layout, sorted(made.needed))
    wrong: dict[int, Mapping[str, Any]] = {}
    for fault in table.faults:
        wrong.setdefault(fault["row"], fault)
    seen: Counter[str] = Counter()
    part: list[Mapping[str, Any]] = []
    for number, (row, line) in enumerate(zip(table.rows, table.lines, strict=True), 1):
        one: dict[str, Any] = {"line": line}
        try:
            if number in wrong:
                raise connector.BadRow(wrong[number]["fault"], wrong[number]["column"])
            body = made(row)
            digest = hashlib.sha256(body).hexdigest()
            # rows that say the same are told apart by how often it was said before
            one |= {"body": body.decode(), "said": f"{digest}/{seen[digest]}"}
            seen[digest] += 1
        except connector.BadRow as bad:
            one |= {"fault": str(bad), "column": bad.column}
        part.append(one)
        if len(part) == ROWS_AT_ONCE:
            say({"requests": part})
            part = []
    say({"requests": part})
    return {"content": content}


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1024 * 1024):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
