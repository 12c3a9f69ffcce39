"""Reads again what a watch has set aside: each occurrence from just before where it was found."""

from collections.abc import Mapping, Sequence

from lgsp_adapters.watching import positions
from lgsp_adapters.watching.progress import Aside
from lgsp_adapters.watching.source import EventSource, Occurrence, Read

MAX_READS = 20
"""Reads of one look: what needs more comes in the next look."""


async def read_again(
    source: EventSource, due: Sequence[str], aside: Mapping[str, Aside]
) -> dict[str, Occurrence | None]:
    """Read occurrences that are set aside.

    Args:
        due: ids of their events, those of a chain one after the other.
        aside: where they are read.

    Returns:
        By id, in the order of `due`: the occurrence; None where it is gone, or stands elsewhere and is read there. What could not be
        looked for now, and what stands behind that in its chain, is missing.

    Raises:
        AdapterError: the system gives no usable answer.
    """
    read: dict[str, Occurrence] = {}
    found: dict[str, Occurrence | None] = {}
    unknown_chains: set[str] = set()
    reads = 0
    for event in due:
        one = aside[event]
        if one.chain in unknown_chains:
            continue
        if event not in read:
            if reads == MAX_READS:
                break
            reads += 1
            page = await source.read(one.since)
            read.update((item.id, item) for item in page.occurrences if item.id in aside)
            if event not in read:
                if _lies_beyond(page, one):
                    found[event] = None
                else:
                    unknown_chains.add(one.chain)
                continue
        found[event] = read[event]
    return found


def _lies_beyond(page: Read, one: Aside) -> bool:
    """Tell whether a page reaches beyond where an occurrence stood."""
    if page.complete:
        return True
    known = [item.position for item in page.occurrences if item.position is not None]
    return one.position is not None and any(positions.is_before(one.position, position) for position in known)
