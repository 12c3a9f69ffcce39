"""Builds the web console beside a bus that runs from a clone. An installed package has the built files in it."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import lgsp_gateway

SCRIPT = Path(lgsp_gateway.__file__).resolve().parents[1] / "console/build_console.py"
"""Of a clone."""


async def build_console(report: Callable[[str], None], url: str) -> None:
    """Build the console, unless it was built from the same source before, and say where it is. Return at once where there is no source.

    Args:
        report: told where the console is, or why it could not be built.
        url: of the gateway.
    """
    if SCRIPT.exists():
        process = await asyncio.create_subprocess_exec(
            *("nice", sys.executable, str(SCRIPT)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, faults = await process.communicate()
        except asyncio.CancelledError:
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise
        if process.returncode:
            return report(faults.decode(errors="replace").strip())
    return report(f"console  {url}/console")
