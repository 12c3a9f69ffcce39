"""What is written down of every passage: `passage.py` gathers it, `log.py` brings it to disk, `stream.py` is where."""
