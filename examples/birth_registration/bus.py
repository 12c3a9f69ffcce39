"""What a subscriber needs of the bus, over plain HTTP. Standard library only."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PURPOSE = "lien-thong-khai-sinh"


class Bus:
    """The bus, as one system. Its token is in LGSP_TOKEN; a program that runs for long takes new ones, as `one_stop.py` does."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._token = os.environ["LGSP_TOKEN"]

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """The answer of the bus; a problem of it stands in the error."""
        with self._open(method, path, document) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def endpoint(self, name: str, url: str) -> dict[str, Any]:
        """A new webhook endpoint of the system, with the secret that signs what is sent there."""
        made: dict[str, Any] = self.ask("POST", "/endpoints", {"name": name, "url": url})
        return made

    def subscribe(self, name: str, delivery: dict[str, Any]) -> str:
        """Subscribe to registered births, unless the system has a subscription of this name; its id."""
        for known in self.ask("GET", "/subscriptions")["items"]:
            if known["name"] == name and known["state"] != "ended":
                return str(known["id"])
        wish = {"name": name, "service": "civil-registration", "major": 1, "events": ["birth-registered"]}
        return str(self.ask("POST", "/subscriptions", {**wish, "purpose": PURPOSE, "delivery": delivery})["id"])

    def follow(self, subscription: str, last: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Server-sent events after a position: the position of each, and the CloudEvent."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        with self._open("GET", f"/subscriptions/{subscription}/events", None, headers) as answer:
            position = ""
            for line in answer:
                if line.startswith(b"id: "):
                    position = line[4:].decode().strip()
                elif line.startswith(b"data: "):
                    yield position, json.loads(line[6:])

    def _open(self, method: str, path: str, document: Any, headers: dict[str, str] | None = None) -> Any:
        sent = {"Authorization": f"Bearer {self._token}", "Accept-Language": "vi", **(headers or {})}
        if document is not None:
            sent["Content-Type"] = "application/json"
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.url + path, body, sent, method=method)
        return urllib.request.urlopen(request, timeout=60)


class Ledger:
    """What a subscriber has received: a line for each event, and one more for each time that it came again.

    The line is on disk before the event counts as received, and a repeated event is recognised by its id.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._known = {json.loads(line)["id"] for line in lines}

    def take(self, event: dict[str, Any], **more: Any) -> bool:
        """Write an event down; False where it was there already."""
        is_new = event["id"] not in self._known
        line = {"id": event["id"], "repeated": not is_new, "soDangKy": event["data"]["soDangKy"], **more}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._known.add(event["id"])
        return is_new

    def last(self) -> str:
        """The position of the last event, where positions are written down; empty where there is none."""
        lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
        return str(json.loads(lines[-1]).get("position", "")) if lines else ""


def patiently(work: Any) -> None:
    """Do something for ever; what fails because the bus is away is begun again."""
    while True:
        try:
            work()
        except (urllib.error.URLError, OSError) as error:
            print(f"trying again: {type(error).__name__}", flush=True)
            time.sleep(1)
