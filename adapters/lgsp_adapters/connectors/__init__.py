"""The connectors: each folder is one way to call the systems of a province; `registry` finds it by its name."""
