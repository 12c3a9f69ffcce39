"""A file that shrinks a register is held back until somebody has checked it.

An export that was cut off, or a file of the wrong kind under the right name, has the right headings and few rows. Taken, it makes the bus say
"does not exist" of thousands who exist. So such a file is not taken: its report says so, the health of the adapter says so, what was served
before goes on, and `lgsp adapter accept` takes it. The reports record how large the register was, so that it is known after a restart.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from lgsp_adapters.inboxes.inbox_file import ACCEPTANCE_SUFFIX, Inbox, InboxFile

SHARE = 0.5
"""The share of its rows that a register may lose unasked, where the manifest does not say."""

Sizes = Mapping[str, int]
"""How many rows each operation finds."""


def reason_to_hold(sizes: Sizes, rows: int, before: Sizes, share: float) -> str:
    """Return why an inbox file is to be held back; "" where it is not.

    Args:
        sizes: what it would make of the register.
        rows: that it holds.
        before: what the register is.
    """
    if not rows:
        known = max(before.values(), default=0)
        return f"it holds no row, and the register has {known}" if known else "it holds no row"
    for name, now in sizes.items():
        if now < before.get(name, 0) * (1 - share):
            return f"{name} would find {now} rows, and finds {before[name]} now"
    return ""


async def is_accepted(folder: Inbox, inbox_file: InboxFile, content: str) -> bool:
    """Tell whether somebody has accepted this content.

    Raises:
        InboxUnavailableError: as the folder says.
    """
    acceptance = parse_sidecar(await folder.read_sidecar(inbox_file, ACCEPTANCE_SUFFIX))
    return bool(content) and acceptance.get("content") == content


def parse_sidecar(content: bytes | None) -> dict[str, Any]:
    """Parse what stands beside a file; an empty document for anything else, since others write there."""
    try:
        document = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def register_sizes(report: Mapping[str, Any]) -> Sizes:
    """Read from a report how many rows each operation found when it was written."""
    sizes = report.get("register")
    if not isinstance(sizes, dict):
        return {}
    return {str(name): size for name, size in sizes.items() if isinstance(size, int) and not isinstance(size, bool)}
