"""Structured logs on stderr: lines to read on a terminal, one JSON object a line everywhere else.

A log line may hold names of systems, services and problem codes, and the message id that leads to the evidence. It never
holds anything of a document that passes: `docs/operate/watch-the-bus.md` says so to operations, and a test greps for it.
"""

import logging
import os
import sys
from typing import Any

import orjson
import structlog

from lgsp_problems import harmless, on_one_line

LEVEL = "LGSP_LOG_LEVEL"
"""The environment variable of the lowest level that is logged: debug (each answered call too), info, warning, error."""


def configure(process: str) -> None:
    """Set up structlog and the logging of libraries, once, at the start of a process.

    Args:
        process: its name in every line, such as `gateway`.
    """
    readable = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(serializer=_serialize)
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last]
        if not readable
        else [*shared, _neutralise_values, last],
        wrapper_class=structlog.make_filtering_bound_logger(level()),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(handlers=[_StructlogHandler()], level=logging.WARNING, force=True)


def level() -> int:
    """Return the lowest level that this process logs, as `logging` numbers them."""
    return logging.getLevelNamesMapping().get(os.environ.get(LEVEL, "info").upper(), logging.INFO)


def _serialize(value: Any, **_: Any) -> str:
    return harmless(orjson.dumps(value, default=str).decode())


def _neutralise_values(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Make values that others wrote harmless to a terminal, before the renderer adds its own colours."""
    return {key: on_one_line(value) if isinstance(value, str) else value for key, value in event.items()}


class _StructlogHandler(logging.Handler):
    """Passes what libraries log to structlog. Of an exception only the type is logged: its text may quote a document."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        log = structlog.get_logger()
        log.log(max(record.levelno, logging.INFO), "library", logger=record.name, message=str(record.msg), error=error)
