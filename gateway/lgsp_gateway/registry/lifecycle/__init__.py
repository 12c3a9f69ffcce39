"""Life cycles of registry documents: what may become of them, by whom."""
