"""What others wrote, made harmless to show: no character of it steers a terminal, hides, or turns the order of what is read.

Titles, reasons, names of logs and what an upstream said come from other agencies. Escaped are the control characters (C0 but line
feed, tab and the return before a line feed; DEL; C1), those that set the direction of text, line separators of Unicode, characters of
no width, and halves of surrogate pairs, which no terminal takes. They become `\\uXXXX`, which JSON and a quoted string of YAML read
back as the same character.
"""

import re

_HARMFUL = (
    "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f"  # C0 and C1
    "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"  # directions (Unicode's bidi controls)
    "\\u2028\\u2029\\u200b\\u2060-\\u2065\\ufeff"  # lines, and what has no width
    "\\ud800-\\udfff"
)
_TEXT = re.compile(f"[{_HARMFUL}]|\\r(?!\\n)")
_LINE = re.compile(f"[{_HARMFUL}\\t\\r\\n]")


def harmless(text: str) -> str:
    """Escape what steers a terminal in a text of several lines."""
    return _TEXT.sub(_escaped, text)


def on_one_line(text: str) -> str:
    """Escape what steers a terminal, and line ends, in a text that is shown within a line or a cell of a table."""
    return _LINE.sub(_escaped, text)


def is_harmful(text: str) -> bool:
    """Tell whether there is something to escape."""
    return _TEXT.search(text) is not None


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
