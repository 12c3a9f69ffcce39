"""The origin of a log that goes on after a restore: `restored-1.DOMAIN/GATEWAY`.

Between a backup and the loss a log went on: checkpoints were signed that a restored bus knows nothing of, and witnesses, auditors and callers
have them. If it went on under the same origin, there would be two logs of one name that differ. So each restore ends the origin, and the log goes on
under the next one, with the same tree and the same key; its checkpoints cite where it ended. What came after the backup is then seen to
be missing by whoever has a later checkpoint, and nothing contradicts anything.
"""

import re

_RESTORED = re.compile(r"restored-([1-9]\d{0,5})\.(.+)")


def next_origin(origin: str) -> str:
    """Return the origin under which a log goes on after a restore.

    Args:
        origin: that of its last checkpoint in the backup.
    """
    restored = _RESTORED.fullmatch(origin)
    return f"restored-{int(restored[1]) + 1}.{restored[2]}" if restored else f"restored-1.{origin}"


def original_origin(origin: str) -> str:
    """Return the origin that a log had before it was ever restored; the same where it was not."""
    restored = _RESTORED.fullmatch(origin)
    return restored[2] if restored else origin


def current_origin(configured: str, last: str) -> str:
    """Return the origin under which a log goes on: the configured one, or what restores have made of that.

    Args:
        configured: by the domain and the name of the gateway.
        last: of the newest checkpoint of the log.
    """
    return last if original_origin(last) == configured else configured
