"""The streams of the bus: each is made by the first gateway that starts and left alone by the others."""

from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NotFoundError

from lgsp_problems import Refusal


async def subjects(connection: Client, name: str, pattern: str) -> list[str]:
    """The subjects of a stream that hold messages, of those that a pattern names."""
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
        raise Refusal(
            "cannot-start",
            vi=f"Không tạo được luồng {name}: {error}; hãy kiểm tra JetStream của máy chủ NATS.",
            en=f"Cannot make the stream {name}: {error}; check the JetStream of the NATS server.",
        ) from None
