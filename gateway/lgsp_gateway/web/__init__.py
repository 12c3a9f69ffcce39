"""HTTP: `door.py` listens, `calls.py` reads a call and answers it, `problems.py` words every no, the rest is one door each."""
