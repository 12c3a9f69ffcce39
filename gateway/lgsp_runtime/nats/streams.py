"""The streams of the bus: each is made by the first gateway that starts and left alone by the others."""

from typing import Any

import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NotFoundError

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
    """Make a stream if it is not there.

    Raises:
        Refusal: `cannot-start`.
    """
    name = str(config.name)
    jetstream = connection.jetstream()
    try:
        try:
            await jetstream.stream_info(name)
        except NotFoundError:
            await jetstream.add_stream(config)
    except (APIError, NatsTimeoutError) as error:
        raise CannotStart(
            vi=f"Không tạo được luồng {name}: {error}; hãy kiểm tra JetStream của máy chủ NATS.",
            en=f"Cannot make the stream {name}: {error}; check the JetStream of the NATS server.",
        ) from error


async def ensure_raw(connection: Client, config: dict[str, Any]) -> None:
    """Make a stream if it is not there, by the server's own API: of counters and of messages with a life of their own nats-py
    knows nothing.

    Args:
        config: as JetStream's STREAM.CREATE takes it.

    Raises:
        Refusal: `cannot-start`.
    """
    name = config["name"]
    try:
        reply = await connection.request(f"$JS.API.STREAM.INFO.{name}", timeout=5)
        error = orjson.loads(reply.data).get("error")
        if error and error.get("err_code") == _NO_STREAM:
            reply = await connection.request(f"$JS.API.STREAM.CREATE.{name}", orjson.dumps(config), timeout=5)
            error = orjson.loads(reply.data).get("error")
    except (NatsError, OSError) as failure:
        raise _cannot_make(name, str(failure) or type(failure).__name__) from failure
    if error:
        raise _cannot_make(name, str(error.get("description", error)))


def _cannot_make(name: str, error: str) -> Refusal:
    return CannotStart(
        vi=f"Không tạo được luồng {name}: {error}; cần nats-server 2.12 trở lên có JetStream.",
        en=f"Cannot make the stream {name}: {error}; it takes nats-server 2.12 or later with JetStream.",
    )


_NO_STREAM = 10059
"""JetStream's error code: there is no such stream."""
