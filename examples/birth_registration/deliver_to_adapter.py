"""A subscriber whose events become calls of an operation that it provides: here a row in its own database, by an adapter without code.

python3 deliver_to_adapter.py http://127.0.0.1:8080
"""

import sys

from bus import Bus


def main() -> None:
    """Subscribe; the adapter does the rest."""
    delivery = {"kind": "adapter", "service": "vaccination", "major": 1, "operation": "register-child"}
    print(Bus(sys.argv[1]).subscribe("births into the register", delivery))


if __name__ == "__main__":
    main()
