"""The demonstration of `lgsp up`: three national databases in a sandbox, and a province's systems that call them."""

import os
from importlib.resources import files
from pathlib import Path

import orjson

from lgsp_contracts import catalog as catalogs
from lgsp_gateway.local.scene import Scene
from lgsp_gateway.local.state_dir import StateDir

_NATIONAL = {
    "population": ("USER", "SECRET", "AUTH_URL", "API_KEY"),
    "enterprise-registry": ("ACCESS_KEY", "SECRET_KEY"),
    "insurance": ("USERNAME", "PASSWORD"),
}


def example_call(url: str, state: StateDir) -> str:
    """A call to paste into a shell."""
    lgsp = os.environ.get("LGSP_COMMAND", "lgsp")
    where = "" if state.root == Path(".lgsp") else f" --state-dir {state.root}"
    operation = catalogs.load(catalogs.shipped_folder())["population", 1].operations["verify-citizen"]
    body = orjson.dumps(operation.example.request).decode()
    return "\n".join(
        (
            "Call the population database through the bus:",
            "",
            f"curl -s {url}/services/population/v1/verify-citizen \\",
            f'  -H "Authorization: Bearer $({lgsp} token mot-cua{where})" \\',
            "  -H 'Lgsp-Purpose: giai-quyet-tthc' -H 'Content-Type: application/json' \\",
            f"  -d '{body}'",
        )
    )


SCENE = Scene(
    registry=Path(str(files("lgsp_gateway").joinpath("local/scenes/demo.yaml"))),
    words=example_call,
    adapters={name: name for name in _NATIONAL},
    sandboxes=_NATIONAL,
    with_secret=("du-lich", "mot-cua"),
    searchable=True,
)
