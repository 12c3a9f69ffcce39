"""A subscriber that fetches events when it likes, and acknowledges those that it wrote down. Standard library only.

python3 fetch.py http://127.0.0.1:8080 truong-hoc.jsonl
"""

import sys
from pathlib import Path

from bus import Bus, Ledger, patiently


def main() -> None:
    """Subscribe and fetch."""
    bus, ledger = Bus(sys.argv[1]), Ledger(Path(sys.argv[2]))
    subscription = bus.subscribe("births to fetch", {"kind": "pull"})
    print("READY", flush=True)

    def fetch() -> None:
        items = bus.ask("GET", f"/subscriptions/{subscription}/events?limit=10&wait=20")["items"]
        for item in items:
            ledger.take(item["event"])
        if items:
            tokens = [item["token"] for item in items]
            bus.ask("POST", f"/subscriptions/{subscription}/acknowledgements", {"acknowledge": tokens})

    patiently(fetch)


if __name__ == "__main__":
    main()
