"""What the bus is measured on: one service whose provider answers a constant, everything else as in production.

The contract's schemas are those that the peers of the bus check too, and it is not personal, so that the peers' request,
which names no purpose, passes.
"""

from importlib.resources import files
from pathlib import Path

from lgsp_gateway.local.environment import Environment
from lgsp_gateway.local.state_dir import StateDir

CALLER = "mot-cua"
PATH = "/services/bench/v1/verify"
_FILES = Path(str(files("lgsp_gateway").joinpath("local/environments/bench_files")))


def environment(gateways: int) -> Environment:
    """Make an environment for benchmarks with this many gateways on one port."""
    return Environment(
        registry=_FILES / "registry.yaml",
        ready_message=_words,
        adapters={"bench": (str(_FILES / "adapter.yaml"),)},
        catalog=_FILES / "catalog",
        gateways=tuple(f"bench-{number}" for number in range(1, gateways + 1)),
    )


def _words(url: str, state: StateDir) -> str:
    return f"Load {url}{PATH} with a token of {CALLER}."
