"""The short road of a call from the socket to the pipeline and back."""
