"""The streams of the bus: each is made by the first gateway that starts, and follows the configuration of those that start later."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import orjson
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import StreamConfig
from nats.js.errors import APIError

from lgsp_problems import CannotStart, Refusal

WRONG_REVISION_CODES = frozenset({10071, 10164})
"""JetStream's error codes where the last message of a subject is not the expected one; the other one where the message that came first is
still on its way, as in a cluster or a batch."""


def is_wrong_revision(error_code: int | None) -> bool:
    """Tell whether an error of JetStream says that somebody else wrote to the subject first."""
    return error_code in WRONG_REVISION_CODES


PATIENCE_SECONDS = 20.0
"""For a cluster to choose its leader and for its servers to find each other; a process that starts is given 30 seconds."""
RETRY_SECONDS = 0.25

FULL_CODES = (10023, 10047)
"""JetStream's error codes: the server may not store more."""


_Answer = TypeVar("_Answer")


async def with_patience(connection: Client, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Ask JetStream something, and again where a cluster has only just begun or is choosing a leader, for `PATIENCE_SECONDS`.

    Args:
        connection: by which it is asked; once that is lost, nothing is asked again.

    Raises:
        NatsError, OSError: what it answered to the last attempt.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except (NatsError, OSError) as error:
            forming = isinstance(error, APIError) and error.err_code in _FORMING_CODES
            is_temporary = (forming or isinstance(error, _ELECTING)) and connection.is_connected
            if not is_temporary or time.monotonic() > deadline:
                raise
        await asyncio.sleep(RETRY_SECONDS)


async def subjects(connection: Client, name: str, pattern: str) -> list[str]:
    """Return the subjects of a stream that hold messages, of those that a pattern matches."""
    info = await connection.jetstream().stream_info(name, subjects_filter=pattern)
    return sorted(info.state.subjects or {})


async def ensure(connection: Client, config: StreamConfig) -> None:
    """Make a stream, or have the one that is there follow its configuration: see `ensure_raw`."""
    await ensure_raw(connection, config.as_dict())


async def ensure_raw(connection: Client, config: dict[str, Any]) -> None:
    """Make a stream, or have the one that is there follow its configuration (`altered`), by the server's own API: of counters and of
    messages with a life of their own nats-py knows nothing.

    A cluster that has just begun, or has lost its leader, answers nothing for seconds, and of two gateways that begin together one may be
    left without an answer: it is asked again.

    Args:
        config: as JetStream's STREAM.CREATE takes it.

    Raises:
        Refusal: `cannot-start`.
    """
    name = config["name"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            failure: Exception | None = None
            error = await _ensure_once(connection, config)
        except (NatsError, OSError) as raised:
            failure, error = raised, {"description": str(raised) or type(raised).__name__}
        if not error:
            return
        comes_by_itself = isinstance(failure, _ELECTING) or error.get("err_code") in _FORMING_CODES
        if not comes_by_itself or time.monotonic() > deadline:
            raise _cannot_make(name, str(error.get("description", error))) from failure
        await asyncio.sleep(RETRY_SECONDS)


async def _ensure_once(connection: Client, config: dict[str, Any]) -> dict[str, Any]:
    """Ask for a stream, and make or alter it where needed; return the server's error, empty where there is none."""
    name = config["name"]
    found = await _ask(connection, f"STREAM.INFO.{name}")
    if found.get("error", {}).get("err_code") == _NO_STREAM:
        found = await _ask(connection, f"STREAM.CREATE.{name}", config)
    elif "config" in found and (changed := altered(found["config"], config)) != found["config"]:
        found = await _ask(connection, f"STREAM.UPDATE.{name}", changed)
        structlog.get_logger().info("stream altered", stream=name, replicas=changed.get("num_replicas"))
    if "leader" not in found.get("cluster", {"leader": ""}):
        return _NO_LEADER
    error: dict[str, Any] = found.get("error", {})
    return error


def altered(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a stream that is there, as another one wants it.

    Its limits follow, and what it allows. Replicas become more, never fewer: a gateway that is started without its setting does not
    take the others' safety away.
    """
    followed = {key: wanted[key] for key in _LIMITS if wanted.get(key) is not None}
    if not followed.get("duplicate_window"):  # the server's default then, which it stores
        followed.pop("duplicate_window", None)
    allowed = {key: True for key, value in wanted.items() if key.startswith("allow_") and value is True}
    replicas = max(stored.get("num_replicas") or 1, wanted.get("num_replicas") or 1)
    return {**stored, **followed, **allowed, "num_replicas": replicas}


async def _ask(connection: Client, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    reply = await connection.request(f"$JS.API.{subject}", orjson.dumps(body) if body else b"", timeout=_API_SECONDS)
    answer: dict[str, Any] = orjson.loads(reply.data)
    return answer


def _cannot_make(name: str, error: str) -> Refusal:
    return CannotStart(
        vi=f"Không tạo hoặc sửa được luồng {name}: {error}; cần nats-server 2.12 trở lên có JetStream, và đủ máy chủ cho số bản sao (--replicas).",
        en=f"Cannot make or alter the stream {name}: {error}; it takes nats-server 2.12 or later with JetStream, and a server for each replica (--replicas).",
    )


_API_SECONDS = 5
_LIMITS = ("max_age", "max_bytes", "max_msg_size", "max_msgs_per_subject", "duplicate_window")

_ELECTING = (NatsTimeoutError, NoRespondersError)
_FORMING_CODES = (10005, 10008, 10009)
"""JetStream's error codes: no server yet for each replica, temporarily unavailable, no leader yet."""

_NO_LEADER = {"err_code": 10009, "description": "the stream has no leader yet"}

_NO_STREAM = 10059
"""JetStream's error code: there is no such stream."""
