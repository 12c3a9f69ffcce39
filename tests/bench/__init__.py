"""What is measured of the bus, and beside what."""
