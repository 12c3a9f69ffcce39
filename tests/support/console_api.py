"""The types of the management API that the console is compiled with: `PYTHONPATH=tests python -m support.console_api` makes them anew."""

import asyncio
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from support.processes import ROOT
from support.workbench import Workbench

CONSOLE = ROOT / "gateway/console"
TYPES = CONSOLE / "src/api/schema.d.ts"
_COMMAND = CONSOLE / "node_modules/.bin/openapi-typescript"


def types_of(description: bytes, folder: Path) -> str:
    """Return the TypeScript types of an OpenAPI description. It needs the console's npm packages (`npm ci`)."""
    source, made = folder / "openapi.json", folder / "schema.d.ts"
    source.write_text(json.dumps(_without_alternatives(json.loads(description))))
    done = subprocess.run(
        [_COMMAND, source, "--output", made],
        cwd=CONSOLE,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made.read_text()


def _without_alternatives(schema: Any) -> Any:
    """Leave out which members of an object are required together: openapi-typescript makes `unknown` of the object."""
    if isinstance(schema, list):
        return [_without_alternatives(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_alternatives(value) for key, value in schema.items()}
    if schema.get("type") == "object" and all(set(one) == {"required"} for one in schema.get("anyOf", ())):
        kept.pop("anyOf", None)
    return kept


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = await Workbench(Path(folder) / "bus").start()
        assert bench.session is not None
        async with bench.session.get("/openapi.json") as response:
            description = await response.read()
        await bench.stop()
        TYPES.write_text(types_of(description, Path(folder)))


if __name__ == "__main__":
    asyncio.run(_main())
