"""`lgsp bench …`: a bus to measure, and what was measured before."""

import asyncio
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.bus_client import BusAddress
from lgsp_gateway.local.environments import bench
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.local.up import LocalBus
from lgsp_problems import NotFound, Refusal
from lgsp_runtime import durable_file

HISTORY = Path("tests/bench/history.jsonl")
FLAME = DEFAULT / "flame.svg"


def up(*, port: int = 8080, token_file: Path, gateways: int = 1, nats_server: Path | None = None) -> None:
    """Run a bus with nothing left out and a provider that answers a constant, until it is stopped.

    Parameters
    ----------
    port
        Where callers reach it, on 127.0.0.1.
    token_file
        Where a token for POST /services/bench/v1/verify is written, before it says READY.
    gateways
        How many gateway processes share the port.
    nats_server
        Another nats-server binary than the one that comes with lgsp.
    """
    DEFAULT.mkdir(exist_ok=True)  # the disk that a bus would use, which a folder for temporary files may not be
    with tempfile.TemporaryDirectory(prefix="bench-", dir=DEFAULT) as folder:
        state = StateDir(Path(folder))

        async def write_token() -> None:
            token = await asyncio.to_thread(BusAddress(state.root, f"http://127.0.0.1:{port}").token, bench.CALLER)
            durable_file.write(token_file, token.encode())

        asyncio.run(LocalBus(bench.environment(gateways), state, port, nats_server, write_token).run())


def report(*, history: Path = HISTORY, flame: Path = FLAME) -> None:
    """Show what `./lgsp bench run` measured: each measure's last value, its median over all runs, and its target.

    Parameters
    ----------
    history
        The file of results, one line of JSON each.
    flame
        The flame graph of the last run, an SVG for a browser.
    """
    table = Table(box=None, header_style="bold")
    for heading in ("measure", "last", "median", "runs", "unit", "target", "when", "commit"):
        table.add_column(heading, justify="right" if heading in ("last", "median", "runs") else "left")
    for measure, runs in _by_measure(_read(history)).items():
        last = runs[-1]
        middle = statistics.median(run["value"] for run in runs)
        numbers = (f"{last['value']:g}", f"{middle:g}", str(len(runs)))
        table.add_row(measure, *numbers, last["unit"], last["target"], last["date"], last["commit"])
    Console(width=None if Console().is_terminal else 200).print(table)
    shown = flame if flame.exists() else "none yet; ./lgsp bench run draws one"
    out(f"\nflame graph of the gateway under load: {shown}\n")


def _read(history: Path) -> list[dict[str, Any]]:
    try:
        return [orjson.loads(line) for line in history.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise NotFound(
            vi=f"Chưa có kết quả đo nào ở {history}; hãy chạy ./lgsp bench run trong thư mục của mã nguồn.",
            en=f"There are no results in {history}; run ./lgsp bench run in the folder of the source code.",
        ) from error
    except orjson.JSONDecodeError as error:
        raise Refusal(
            "invalid-document",
            vi=f"{history} có dòng không phải JSON: {error}; hãy sửa hoặc xóa dòng đó.",
            en=f"{history} has a line that is not JSON: {error}; correct or remove it.",
        ) from error


def _by_measure(results: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    measures: dict[str, list[dict[str, Any]]] = {}
    for run in results:
        measures.setdefault(run["measure"], []).append(run)
    return measures
