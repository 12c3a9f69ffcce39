"""A subscriber with a webhook: it checks the signature, writes the event down, and then says 204. Standard library only.

python3 webhook.py http://127.0.0.1:8080 dan-cu.jsonl --port 9001
python3 webhook.py http://127.0.0.1:8080 bao-hiem.jsonl --port 9002 --refuse 2 --slow 1.5
"""

import argparse
import base64
import hashlib
import hmac
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bus import Bus, Ledger

TOLERANCE_SECONDS = 300


def is_signed(headers: Any, body: bytes, secret: str) -> bool:
    """Does a request carry a signature by Standard Webhooks, of now? A library of that name does the same in many languages."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    sent = headers["webhook-timestamp"]
    signed = f"{headers['webhook-id']}.{sent}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    is_fresh = abs(time.time() - int(sent)) < TOLERANCE_SECONDS
    return is_fresh and any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split())


def serve(secret: str, ledger: Ledger, port: int, slow: float, refuse: int) -> None:
    """Receive for ever.

    Args:
        slow: seconds that each event takes.
        refuse: how many requests are refused first, as a system in trouble does.
    """
    left = [refuse]

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not is_signed(self.headers, body, secret):
                self._say(401)
            elif left[0]:
                left[0] -= 1
                self._say(503)
            else:
                time.sleep(slow)
                ledger.take(json.loads(body))
                self._say(204)

        def _say(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        print("READY", flush=True)
        server.serve_forever()


def main() -> None:
    """Subscribe and receive."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bus")
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slow", type=float, default=0)
    parser.add_argument("--refuse", type=int, default=0)
    given = parser.parse_args()
    bus, secret_file = Bus(given.bus), given.ledger.with_suffix(".secret")
    if not secret_file.exists():
        made = bus.endpoint("khai-sinh", f"http://127.0.0.1:{given.port}/events")
        secret_file.touch(mode=0o600)
        secret_file.write_text(made["secret"])
        bus.subscribe("births by webhook", {"kind": "webhook", "endpoint": made["id"]})
    serve(secret_file.read_text(), Ledger(given.ledger), given.port, given.slow, given.refuse)


if __name__ == "__main__":
    main()
