"""The connectors: each folder is one way in which the systems of a province are asked; `registry` finds it by its name."""
