"""The security events of a process, for a SOC: who was refused what, who changed what, which keys are used.

ECS JSON (Elastic Common Schema) lines in a file, or the same as the message of RFC 5424 to a syslog server. Writing is done by a thread
of its own, so a slow server holds nothing up. Beside it the evidence says what happened to each message; this says what somebody on
watch should look at, and a flood of one kind is summed up rather than written out.
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

A_SECOND = 50
"""Events of one kind in a second; what comes on top is counted in the next one."""
MAX_WAITING = 10_000

_LEVELS = {"success": logging.INFO, "failure": logging.WARNING}


class SecurityLog:
    """Where security events go.

    Args:
        address: a file, `syslog+udp://HOST:PORT`, `syslog+tcp://HOST:PORT`, or nothing for nowhere.
        process: who observes, such as `gateway gw-1`.

    Raises:
        Refusal: `cannot-start`, when it cannot be opened.
    """

    def __init__(self, address: str, process: str) -> None:
        self._log: logging.Logger | None = None
        self._listener: QueueListener | None = None
        self._process = process
        self._second: dict[str, tuple[int, int]] = {}
        if address:
            try:
                handler = _handler(address)
            except (OSError, ValueError, KeyError) as error:
                raise CannotStart(
                    vi=f"Không ghi được sự kiện an ninh vào {address} ({error}); hãy chỉ một tệp, hoặc syslog+udp://MÁY:CỔNG.",
                    en=f"Cannot write security events to {address} ({error}); name a file, or syslog+udp://HOST:PORT.",
                ) from error
            waiting: queue.Queue[Any] = queue.Queue(MAX_WAITING)
            self._log = logging.Logger("lgsp.security")
            self._log.addHandler(_Queue(waiting))
            self._listener = QueueListener(waiting, handler)
            self._listener.start()

    def stop(self) -> None:
        """Write what waits."""
        if self._listener:
            self._listener.stop()
            for handler in self._listener.handlers:
                handler.close()

    def event(self, action: str, outcome: str, category: str, message: str, **fields: str | int) -> None:
        """Tell of something.

        Args:
            action: what was tried, such as `token-refused`.
            outcome: `success` or `failure`.
            category: one of ECS's `event.category`: authentication, iam, configuration, api.
            fields: by ECS names, a double underscore for each dot: `user__name`, `source__ip`.
        """
        if self._log is None:
            return
        second = int(time.time())
        began, counted = self._second.get(action, (second, 0))
        missed = counted - A_SECOND if began != second else 0
        counted = 1 if began != second else counted + 1
        self._second[action] = (second, counted)
        if counted > A_SECOND:
            return
        extra: dict[str, Any] = {name.replace("__", "."): value for name, value in fields.items() if value != ""}
        extra |= {
            "event.kind": "event",
            "event.action": action,
            "event.outcome": outcome,
            "event.category": [category],
            "observer.name": self._process,
        }
        if missed > 0:
            extra["lgsp.suppressed"] = missed
        self._log.log(_LEVELS[outcome], message, extra=extra)


class _File(WatchedFileHandler):
    """A file that may be away for a while: what cannot be written is said, and does not end the thread that writes the rest."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        structlog.get_logger().error("security event not written", action=getattr(record, "event.action", "-"))


class _Queue(QueueHandler):
    """Drops what a stopped server cannot take, rather than waiting for it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        pass

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


class _Rfc5424(ecs_logging.StdlibFormatter):
    """The syslog header before the event; the priority is written by the handler."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        action = getattr(record, "event.action", "-")
        return f"1 {moment} {socket.gethostname()} lgsp {os.getpid()} {action} - {super().format(record)}\n"


def _handler(address: str) -> logging.Handler:
    left_out = ["process", "log.origin", "log.logger", "log.original"]
    if not address.startswith("syslog+"):
        handler: logging.Handler = _File(address, encoding="utf-8")
        handler.setFormatter(ecs_logging.StdlibFormatter(exclude_fields=left_out))
        return handler
    parts = urlsplit(address)
    kind = {"syslog+udp": socket.SOCK_DGRAM, "syslog+tcp": socket.SOCK_STREAM}[parts.scheme]
    if not parts.hostname or not parts.port:
        raise ValueError("no host and port")
    syslog = SysLogHandler((parts.hostname, parts.port), SysLogHandler.LOG_AUTHPRIV, kind)
    syslog.append_nul = False
    syslog.setFormatter(_Rfc5424(exclude_fields=left_out))
    return syslog
