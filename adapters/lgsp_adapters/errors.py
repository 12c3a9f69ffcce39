"""The family of what parts of an adapter raise.

The text of each names a rule, a place or a type, and no value of a document: it may stand in a log. What it came from is kept as its
cause (`raise … from error`), so that the log can name file, line and function of each frame.
"""


class AdapterError(Exception):
    """The base of every error that is raised on purpose in an adapter."""
