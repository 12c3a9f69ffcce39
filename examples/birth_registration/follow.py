"""A subscriber that follows server-sent events, and goes on behind the last one that it wrote down. Standard library only.

python3 follow.py http://127.0.0.1:8080 mot-cua.jsonl
"""

import sys
from pathlib import Path

from bus import Bus, Ledger, patiently


def main() -> None:
    """Subscribe and follow."""
    bus, ledger = Bus(sys.argv[1]), Ledger(Path(sys.argv[2]))
    subscription = bus.subscribe("births as a stream", {"kind": "sse"})
    print("READY", flush=True)

    def follow() -> None:
        for position, event in bus.follow(subscription, ledger.last()):
            ledger.take(event, position=position)

    patiently(follow)


if __name__ == "__main__":
    main()
