"""The alerts that fire now, asked of an Alertmanager whose address is configured.

What it says goes to a page of operators: it is bounded in size and in time, and each text is made printable. Those who look share one answer.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
import orjson

from lgsp_problems import Text

ANSWER_SECONDS = 5.0
FRESH_SECONDS = 5.0
"""For how long an answer serves all who ask."""
MAX_BYTES = 1024 * 1024
MAX_ALERTS = 200
MAX_TEXT = 500
MAX_LABELS = 20
_PATH = "/api/v2/alerts?active=true&silenced=false&inhibited=false&unprocessed=false"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires.

    Args:
        since: RFC 3339, as Alertmanager says it.
        action: what to do (the annotation `runbook`).
    """

    name: str
    severity: str
    since: str
    summary: str
    action: str
    labels: dict[str, str]

    def document(self) -> dict[str, Any]:
        """Return it as `GET /ops/alerts` shows it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FiringAlerts:
    """What fires, or why that is not known.

    Args:
        problem: None where Alertmanager answered.
    """

    alerts: tuple[Alert, ...] = ()
    problem: Text | None = None


class Alertmanager:
    """Asks one Alertmanager.

    Args:
        url: of its root; "" where none is configured.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._asking = asyncio.Lock()
        self._answer = FiringAlerts()
        self._answered_at = -FRESH_SECONDS

    @property
    def is_configured(self) -> bool:
        """Tell whether there is one to ask."""
        return bool(self._url)

    async def firing(self) -> FiringAlerts:
        """Return what fires now."""
        async with self._asking:
            if self._url and time.monotonic() - self._answered_at >= FRESH_SECONDS:
                self._answer = await self._ask()
                self._answered_at = time.monotonic()
            return self._answer

    async def _ask(self) -> FiringAlerts:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._url + _PATH, allow_redirects=False) as answer,
            ):
                content = await answer.content.read(MAX_BYTES + 1)
                while len(content) <= MAX_BYTES and (more := await answer.content.read(MAX_BYTES)):
                    content += more
                if answer.status != 200:
                    return FiringAlerts(problem=_unavailable(f"HTTP {answer.status}"))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return FiringAlerts(problem=_unavailable(type(error).__name__))
        if len(content) > MAX_BYTES:
            return FiringAlerts(problem=_unavailable(f"> {MAX_BYTES // 1024} KiB"))
        try:
            return FiringAlerts(tuple(map(_alert, orjson.loads(content)[:MAX_ALERTS])))
        except (ValueError, KeyError, TypeError, AttributeError):
            return FiringAlerts(problem=_unavailable("JSON"))


def _alert(document: Mapping[str, Any]) -> Alert:
    labels = {_line(name): _line(value) for name, value in list(document["labels"].items())[:MAX_LABELS]}
    annotations = document.get("annotations") or {}
    return Alert(
        labels.pop("alertname", "-"),
        labels.pop("severity", ""),
        _line(document["startsAt"]),
        _line(annotations.get("summary", "")),
        _line(annotations.get("runbook", annotations.get("description", ""))),
        labels,
    )


def _line(text: object) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in str(text)[:MAX_TEXT])


def _unavailable(why: str) -> Text:
    return Text(
        f"Alertmanager không trả lời như mong đợi ({why}); hãy kiểm tra nó và thiết lập `alertmanager` của gateway.",
        f"Alertmanager does not answer as it should ({why}); check it, and the gateway's setting `alertmanager`.",
    )
