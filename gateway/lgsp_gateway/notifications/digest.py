"""One message for all that there is to tell: few lines, each with its link into the console."""

from collections.abc import Sequence
from dataclasses import dataclass

from lgsp_gateway.notifications.occasions import Occasion
from lgsp_problems import Language, Text

MAX_LINES = 50

_FOOTER = Text(
    "Bạn nhận thư này vì đã chọn như vậy; đổi lựa chọn ở",
    "You receive this because you chose to; change your choice at",
)
_CONSOLE_PATH = "/console"


@dataclass(frozen=True, slots=True)
class Digest:
    """What is sent: `id` is the same in each attempt."""

    id: str
    subject: str
    lines: tuple[tuple[str, str], ...]
    body: str


def digest_of(identifier: str, occasions: Sequence[Occasion], language: Language, url: str) -> Digest:
    """Put occasions together.

    Args:
        url: of the bus, as people's browsers reach it.
    """
    lines = tuple((one.text.in_language(language), f"{url}{_CONSOLE_PATH}{one.path}") for one in occasions)
    count = len(occasions)
    several = Text(f"LGSP: {count} việc cần bạn xem", f"LGSP: {count} things need your attention")
    subject = f"LGSP: {lines[0][0]}" if count == 1 else several.in_language(language)
    shown = [f"* {text}\n  {link}" for text, link in lines[:MAX_LINES]]
    if count > MAX_LINES:
        rest = Text(f"* và {count - MAX_LINES} việc khác", f"* and {count - MAX_LINES} more")
        shown.append(rest.in_language(language))
    footer = f"{_FOOTER.in_language(language)} {url}{_CONSOLE_PATH}/access/notifications"
    return Digest(identifier, " ".join(subject.split())[:150], lines, "\n".join(shown) + f"\n\n-- \n{footer}\n")
