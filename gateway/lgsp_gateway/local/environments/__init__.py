"""What a bus on one machine starts with."""
