"""Where a bus on one machine keeps its state, for whoever is told nothing else."""

import os
from pathlib import Path

DEFAULT_STATE = Path(".lgsp")
"""The folder that `lgsp up` makes in the working directory."""

STATE_VARIABLE = "LGSP_STATE_DIR"
"""Environment variable that names another folder, for every command."""


def state_folder() -> Path:
    """Return the folder of the local bus: `LGSP_STATE_DIR`, or `.lgsp` in the working directory."""
    return Path(os.environ.get(STATE_VARIABLE) or DEFAULT_STATE)
