"""The order in which streams are read for a backup, so that what is restored is sound although the bus goes on meanwhile.

Each stream is read at a moment of its own. What a later one has and an earlier one lacks must be what a bus copes with anyway after it
was killed. Two rules give the order:

* **What is still to be done comes before what says that it is done.** A message is settled in `LGSP_MESSAGES` or `LGSP_DEAD` before it leaves
  `LGSP_WORK`. Read in this order, it may be in both, and is delivered again at most; in the other order it could be in neither.
* **What refers comes before what it refers to**, or a restored bus would name what it does not have: an Idempotency-Key before the message that
  it stands for, the state of a watch before the events that it has published, messages before files, all before the registry. And the evidence comes last: what it
  proves is decided on after it was proved, so it has whatever the others have.
"""

from collections.abc import Iterable

FIRST = ("KV_LGSP_IDEMPOTENCY", "KV_LGSP_WATCHES", "KV_LGSP_SUBSCRIPTIONS", "KV_LGSP_ENDPOINTS")
LAST = (
    "LGSP_WORK",
    "LGSP_EVENTS",
    "LGSP_MESSAGES",
    "LGSP_DEAD",
    "LGSP_FILE_ACCESS",
    "KV_LGSP_FILE_RECORDS",
    "LGSP_FILES",
    "KV_LGSP_REGISTRY",
    "KV_LGSP_PEOPLE",
    "LGSP_SEALS",
    "LGSP_CHECKPOINTS",
    "LGSP_EVIDENCE",
)
LEFT_OUT = ("KV_LGSP_SESSIONS", "LGSP_REPLAY")
"""Sessions that were ended since would be open again; and what was signed before a loss has expired when it is made good. Streams in memory are left out too."""


def in_order(names: Iterable[str]) -> list[str]:
    """Sort the streams of a bus as they are to be read; those that are left out, and those of others, are missing."""
    ours = {name for name in names if name.startswith(("LGSP_", "KV_LGSP_"))} - set(LEFT_OUT)
    between = sorted(ours - set(FIRST) - set(LAST))
    return [name for name in (*FIRST, *between, *LAST) if name in ours]
