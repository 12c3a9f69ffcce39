"""A whole bus on one machine: `up.py` starts it, `state_dir.py` is where it lives, `demo.py` fills its registry."""
