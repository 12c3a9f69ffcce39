"""Takes what waits to its destination, one lane for each."""
