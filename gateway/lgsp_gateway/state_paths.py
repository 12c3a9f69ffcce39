"""Where a bus on one machine keeps its state, for whoever is told nothing else."""

from pathlib import Path

DEFAULT_STATE = Path(".lgsp")
"""The folder that `lgsp up` makes in the working directory."""
