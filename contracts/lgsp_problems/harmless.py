"""Escape text that others wrote before it is shown: no character may control a terminal, be invisible, or change the reading order.

Titles, reasons, names of logs and error texts of upstream systems come from other agencies. Escaped are the control characters (C0 but line
feed, tab and the return before a line feed; DEL; C1), those that set the direction of text, Unicode's line separators, zero-width
characters, and lone surrogates, which no terminal accepts. They become `\\uXXXX`, which JSON and a quoted string of YAML read
back as the same character.
"""

import re

_HARMFUL = (
    "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f"  # C0 and C1
    "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"  # Unicode's bidi controls
    "\\u2028\\u2029\\u200b\\u2060-\\u2065\\ufeff"  # line separators, zero-width characters
    "\\ud800-\\udfff"
)
_TEXT = re.compile(f"[{_HARMFUL}]|\\r(?!\\n)")
_LINE = re.compile(f"[{_HARMFUL}\\t\\r\\n]")


def harmless(text: str) -> str:
    """Escape control and invisible characters in a text of several lines; line breaks and tabs stay."""
    return _TEXT.sub(_escaped, text)


def on_one_line(text: str) -> str:
    """Escape control and invisible characters, tabs and line breaks, for a text shown within a line or a table cell."""
    return _LINE.sub(_escaped, text)


def is_harmful(text: str) -> bool:
    """Tell whether `harmless` would escape a character of the text."""
    return _TEXT.search(text) is not None


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
