"""A complete bus on one machine: `up.py` starts it, `state_dir.py` names its files, `environments/` has what surrounds it."""
