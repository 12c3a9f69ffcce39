"""Finding messages: an index derived from the evidence, which may be lost and is built again."""
