"""Options that many commands share, each with its environment variable: `export LGSP_STATE_DIR=…` once instead of an option each time."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_runtime.state_paths import STATE_VARIABLE

StateFolder = Annotated[Path, Parameter(env_var=STATE_VARIABLE)]
"""The folder of a local bus."""

Url = Annotated[str, Parameter(env_var="LGSP_URL")]
"""The address of a remote bus; empty for the local one."""
