"""Reading the log from its streams."""
