"""What each problem code means and what a developer does about it, in two languages: the text of the pages that problems lead to.

The texts stand in `explanations.json`, which is read when the first page is shown.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lgsp_problems.text import Text


@dataclass(frozen=True, slots=True)
class Explanation:
    """When a code is used, and what to do then. Parts in backticks are code."""

    when: Text
    action: Text


@cache
def explanations() -> dict[str, Explanation]:
    """Return the explanation of each code of `CODES`."""
    texts = json.loads(files("lgsp_problems").joinpath("explanations.json").read_text(encoding="utf-8"))
    return {code: Explanation(Text(**entry["when"]), Text(**entry["action"])) for code, entry in texts.items()}
