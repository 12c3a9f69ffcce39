"""What is derived from the evidence to be found quickly: thrown away without loss, and filled again from the stream."""
