"""A working day of a province on the demo bus, in fast motion: `day.py` plans it, `player.py` plays it through the bus's own API."""
