"""How a call that may be made is carried out: the port that the pipeline knows, and its implementations."""
