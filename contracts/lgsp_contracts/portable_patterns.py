"""Patterns that every validator reads in the same way: the class of digits is ASCII in ECMA 262, and of any script in Python, .NET and XML Schema.

For drafts made from descriptions of others, and for what a refusal suggests.
"""

import re
import warnings

_SETS = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r\f\v"}
_PARTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_NEGATED_IN_CLASS = re.compile(r"(?<!\\)(?:\\\\)*\\[DWS]")


def portable(pattern: str) -> str | None:
    r"""Rewrite a pattern without the escapes that engines read differently: `\d` becomes `[0-9]`.

    Returns:
        The pattern, or None where it cannot be written so that every engine reads it, as with `\p{L}`.
    """
    if any(_NEGATED_IN_CLASS.search(part) for part in _PARTS.findall(pattern) if part.startswith("[")):
        return None
    rewritten = _PARTS.sub(lambda found: _rewritten(found[0]), pattern)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(rewritten)
        except (re.error, FutureWarning, DeprecationWarning):
            return None
    return rewritten


def _rewritten(part: str) -> str:
    if part.startswith("["):
        return re.sub(r"\\(.)", lambda found: _SETS.get(found[1], found[0]), part, flags=re.DOTALL)
    letter = part[1]
    if letter.lower() not in _SETS:
        return part
    return f"[{'^' if letter.isupper() else ''}{_SETS[letter.lower()]}]"
