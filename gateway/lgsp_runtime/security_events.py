"""Security events of a process, for a SOC: who was refused what, who changed what, which keys are used.

They are lines of JSON in ECS (Elastic Common Schema), in a file or as messages of RFC 5424 to a syslog server. A thread of its own
writes them, so that a slow server delays no call. The evidence records every message; this log records what somebody on duty should
look at, and many events of one kind are counted rather than written.
"""

import logging
import os
import queue
import socket
import time
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener, SysLogHandler, WatchedFileHandler
from typing import Any
from urllib.parse import urlsplit

import ecs_logging
import structlog

from lgsp_problems import CannotStart

EVENTS_PER_SECOND = 50
"""Failures of one action that are written in a second; the next one says how many were suppressed. What succeeded is always written: a change
of the registry must not be hidden among many others."""
MAX_QUEUED = 10_000
"""Events that wait for the thread; more are dropped."""

_LEVELS = {"success": logging.INFO, "failure": logging.WARNING}


class SecurityLog:
    """Writes security events.

    Args:
        address: a file, `syslog+udp://HOST:PORT` or `syslog+tcp://HOST:PORT`; empty to write none.
        process: the `observer.name` of the events, such as `gateway gw-1`.

    Raises:
        Refusal: `cannot-start`, when it cannot be opened.
    """

    def __init__(self, address: str, process: str) -> None:
        self._log: logging.Logger | None = None
        self._listener: QueueListener | None = None
        self._process = process
        self._counts: dict[str, tuple[int, int]] = {}
        if address:
            try:
                handler = _create_handler(address)
            except (OSError, ValueError, KeyError) as error:
                raise CannotStart(
                    vi=f"Không ghi được sự kiện an ninh vào {address} ({error}); hãy chỉ một tệp, hoặc syslog+udp://MÁY:CỔNG.",
                    en=f"Cannot write security events to {address} ({error}); name a file, or syslog+udp://HOST:PORT.",
                ) from error
            events: queue.Queue[Any] = queue.Queue(MAX_QUEUED)
            self._log = logging.Logger("lgsp.security")
            self._log.addHandler(_DroppingQueueHandler(events))
            self._listener = QueueListener(events, handler)
            self._listener.start()

    def stop(self) -> None:
        """Write the events that wait, and close the file or connection."""
        if self._listener:
            self._listener.stop()
            for handler in self._listener.handlers:
                handler.close()

    def event(self, action: str, outcome: str, category: str, message: str, **fields: str | int) -> None:
        """Write an event, unless it is a failure and too many of its action were written in this second.

        Args:
            action: the `event.action`, such as `token-refused`.
            outcome: `success` or `failure`.
            category: one of ECS's `event.category`: authentication, iam, configuration, api.
            message: for people; it holds nothing of a document.
            fields: by ECS names, a double underscore for each dot: `user__name`, `source__ip`.
        """
        if self._log is None:
            return
        suppressed, is_written = self._count(action) if outcome == "failure" else (0, True)
        if not is_written:
            return
        extra: dict[str, Any] = {name.replace("__", "."): value for name, value in fields.items() if value != ""}
        extra |= {
            "event.kind": "event",
            "event.action": action,
            "event.outcome": outcome,
            "event.category": [category],
            "observer.name": self._process,
        }
        if suppressed > 0:
            extra["lgsp.suppressed"] = suppressed
        self._log.log(_LEVELS[outcome], message, extra=extra)

    def _count(self, action: str) -> tuple[int, bool]:
        """Count an event of an action that anybody can cause who is refused.

        Returns:
            How many of the action were suppressed before, and whether this one is written.
        """
        second = int(time.time())
        counted_second, count = self._counts.get(action, (second, 0))
        suppressed = count - EVENTS_PER_SECOND if counted_second != second else 0
        count = 1 if counted_second != second else count + 1
        self._counts[action] = (second, count)
        return suppressed, count <= EVENTS_PER_SECOND


class _LogFileHandler(WatchedFileHandler):
    """Writes to a file that may be unavailable for a while: what cannot be written is logged, and does not end the thread."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        structlog.get_logger().error("security event not written", action=getattr(record, "event.action", "-"))


class _DroppingQueueHandler(QueueHandler):
    """Drops events when the queue is full, rather than waiting for a server that does not answer."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        pass

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


class _Rfc5424(ecs_logging.StdlibFormatter):
    """Puts the header of RFC 5424 before the event; the priority is written by the handler."""

    def format(self, record: logging.LogRecord) -> str:
        timestamp = (
            datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
        action = getattr(record, "event.action", "-")
        return f"1 {timestamp} {socket.gethostname()} lgsp {os.getpid()} {action} - {super().format(record)}\n"


def _create_handler(address: str) -> logging.Handler:
    excluded = ["process", "log.origin", "log.logger", "log.original"]
    if not address.startswith("syslog+"):
        handler: logging.Handler = _LogFileHandler(address, encoding="utf-8")
        handler.setFormatter(ecs_logging.StdlibFormatter(exclude_fields=excluded))
        return handler
    parts = urlsplit(address)
    kind = {"syslog+udp": socket.SOCK_DGRAM, "syslog+tcp": socket.SOCK_STREAM}[parts.scheme]
    if not parts.hostname or not parts.port:
        raise ValueError("no host and port")
    syslog = SysLogHandler((parts.hostname, parts.port), SysLogHandler.LOG_AUTHPRIV, kind)
    syslog.append_nul = False
    syslog.setFormatter(_Rfc5424(exclude_fields=excluded))
    return syslog
