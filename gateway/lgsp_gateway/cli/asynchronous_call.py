"""What `lgsp call --async` adds to a call: how the message is to be delivered, and waiting until it is over."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err
from lgsp_gateway.cli.bus_client import BusClient
from lgsp_gateway.cli.texts import localized
from lgsp_problems import Refusal

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds between two looks at a message that is waited for."""
UNDER_WAY = ("accepted", "delivering")
"""The states of a message that is not over."""


@Parameter(name="*")
@dataclass
class AsyncOptions:
    """Whether a call is only accepted now and answered later, and how.

    Parameters
    ----------
    async_
        Have the call accepted now and delivered later, where the contract allows it; prints the id of the message.
    wait
        With --async: wait until the message is over, and print its answer.
    ordering_key
        With --async: messages to a service with the same key are delivered one after the other.
    priority
        With --async: high, normal or low; the bus takes normal.
    callback
        With --async: the name of the webhook endpoint of the calling system that is told when the message is over.
    """

    async_: Annotated[bool, Parameter(name="--async", negative="")] = False
    wait: Annotated[bool, Parameter(negative="")] = False
    ordering_key: str = ""
    priority: Literal["high", "normal", "low"] | None = None
    callback: str = ""

    def headers(self) -> dict[str, str]:
        """Return the headers that ask for it.

        Raises:
            Refusal: `malformed`.
        """
        demands = {
            "Lgsp-Ordering-Key": self.ordering_key and names.header_value("Lgsp-Ordering-Key", self.ordering_key),
            "Lgsp-Priority": self.priority or "",
            "Lgsp-Callback": self.callback and names.endpoint_name(self.callback),
        }
        if not self.async_ and (self.wait or any(demands.values())):
            raise Refusal(
                "malformed",
                vi="--wait, --ordering-key, --priority và --callback chỉ dùng cho cuộc gọi không đồng bộ; hãy thêm --async.",
                en="--wait, --ordering-key, --priority and --callback are for asynchronous calls; add --async.",
            )
        return {name: value for name, value in ({"Prefer": "respond-async"} | demands).items() if value and self.async_}


def follow(connect: Callable[[], BusClient], message: str) -> bytes:
    """Wait until a message is over, and return its answer.

    Args:
        connect: makes something to ask the bus with, under a token that is valid now.

    Raises:
        Refusal: what the provider, or the bus, refused it with; `answer-not-available`, where it ended without an answer.
    """
    pause, last = FIRST_PAUSE, ""
    while True:
        client = connect()
        document: dict[str, Any] = orjson.loads(client.get(f"/messages/{message}"))
        if document["state"] not in UNDER_WAY:
            break
        status = f"{document['state']}  {document.get('nextAttemptAt', '')}".rstrip()
        if status != last:
            err(f"{status}\n")
            last = status
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    err(f"{document['state']}\n")
    if document["state"] == "answered":
        return client.get(f"/messages/{message}/response")
    reason = document.get("reason", {}).get("text", "")
    raise Refusal(
        "answer-not-available",
        vi=f"Thông điệp kết thúc mà không có trả lời ({document['state']}). {reason}".rstrip(),
        en=f"The message ended without an answer ({document['state']}). {reason}".rstrip(),
    )


def show_accepted(message: str, caller: str) -> None:
    """Say on stderr how to see what becomes of a message.

    Args:
        caller: the system that called; "" where a token did.
    """
    as_whom = f" --as {caller}" if caller else ""
    err(f"{localized('xem', 'see')} lgsp messages show {message}{as_whom}\n")
