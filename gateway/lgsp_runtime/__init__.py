"""How a process of the bus runs, whichever process it is: its event loop, its signals, its readiness, its logs."""
