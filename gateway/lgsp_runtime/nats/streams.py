"""The streams of the bus: each is made by the first gateway that starts, and follows the configuration of those that start later."""

from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import StreamConfig

from lgsp_problems import CannotStart, Refusal

WRONG_REVISION_CODES = frozenset({10071, 10164})
"""JetStream's error codes where the last message of a subject is not the expected one; the other one where the message that came first is
still on its way, as in a cluster or a batch."""


def is_wrong_revision(error_code: int | None) -> bool:
    """Tell whether an error of JetStream says that somebody else wrote to the subject first."""
    return error_code in WRONG_REVISION_CODES


FULL_CODES = (10023, 10047)
"""JetStream's error codes: the server may not store more."""


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

    Args:
        config: as JetStream's STREAM.CREATE takes it.

    Raises:
        Refusal: `cannot-start`.
    """
    name = config["name"]
    try:
        found = await _ask(connection, f"STREAM.INFO.{name}")
        if found.get("error", {}).get("err_code") == _NO_STREAM:
            found = await _ask(connection, f"STREAM.CREATE.{name}", config)
        elif "config" in found and (changed := altered(found["config"], config)) != found["config"]:
            found = await _ask(connection, f"STREAM.UPDATE.{name}", changed)
            structlog.get_logger().info("stream altered", stream=name, replicas=changed.get("num_replicas"))
    except (NatsError, OSError) as failure:
        raise _cannot_make(name, str(failure) or type(failure).__name__) from failure
    if error := found.get("error"):
        raise _cannot_make(name, str(error.get("description", error)))


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

_NO_STREAM = 10059
"""JetStream's error code: there is no such stream."""
