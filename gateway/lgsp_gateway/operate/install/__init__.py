"""Installs the processes of the bus on a machine with systemd: units, users, permissions and timers; and removes them, never data."""
