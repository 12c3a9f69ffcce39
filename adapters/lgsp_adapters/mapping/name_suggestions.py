"""What to write for a name that does not exist: the one that it resembles, or those that there are."""

from collections.abc import Iterable
from difflib import get_close_matches

from lgsp_problems import Text


def resembling(name: str, known: Iterable[str]) -> str:
    """Return the known name that begins with a name or resembles it most, or an empty string."""
    names = list(known)
    longer = [one for one in names if one.startswith(name)]  # `pad_left` for `pad`
    return (longer or get_close_matches(name, names, 1) or [""])[0]


def suggestion(name: str, known: Iterable[str]) -> Text:
    """Say what to write for a name, as the end of a sentence without a full stop."""
    names = list(known)
    if similar := resembling(name, names):
        return Text(f"có lẽ phải là {similar}", f"perhaps {similar} is meant")
    listed = ", ".join(names) or "-"
    return Text(f"có: {listed}", f"there are: {listed}")
