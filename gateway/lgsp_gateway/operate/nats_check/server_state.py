"""What the NATS servers of a bus say of themselves to a user of the system account (`$SYS.REQ.SERVER.PING`, nats-server's monitoring)."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeoutError

QUIET_SECONDS = 1.0
"""After the last answer. A server answers within milliseconds; nobody says how many servers there are that could."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server as it answered.

    Args:
        variables: `VARZ`: its options and numbers.
        jetstream: `JSZ`; empty where it has no JetStream.
        accounts: `ACCOUNTZ`: the names of its accounts.
        leaf_accounts: the accounts that leaf nodes are connected to.
        clock_ahead: of the clock of this machine, in seconds.
        clock_uncertainty: by how much that may be wrong: half of the time that the answer took.
    """

    name: str
    variables: Mapping[str, Any]
    jetstream: Mapping[str, Any] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    leaf_accounts: tuple[str, ...] = ()
    clock_ahead: float = 0.0
    clock_uncertainty: float = 0.0


@dataclass(frozen=True, slots=True)
class _Answer:
    data: Mapping[str, Any]
    clock_ahead: float
    clock_uncertainty: float


async def server_states(system: Client) -> list[ServerState]:
    """Ask all servers, and return those that answered, by name.

    Args:
        system: a connection to the system account.

    Raises:
        NatsError: the connection broke.
    """
    variables, jetstream, accounts, leafs = await asyncio.gather(
        *(_ask_all(system, what) for what in ("VARZ", "JSZ", "ACCOUNTZ", "LEAFZ"))
    )
    return [
        ServerState(
            name,
            answer.data,
            _data(jetstream, name),
            tuple(_data(accounts, name).get("accounts") or ()),
            tuple(leaf.get("account", "") for leaf in _data(leafs, name).get("leafs") or ()),
            answer.clock_ahead,
            answer.clock_uncertainty,
        )
        for name, answer in sorted(variables.items())
    ]


def _data(answers: Mapping[str, _Answer], name: str) -> Mapping[str, Any]:
    return answers[name].data if name in answers else {}


async def _ask_all(system: Client, what: str) -> dict[str, _Answer]:
    found: dict[str, _Answer] = {}
    inbox = system.new_inbox()
    answers = await system.subscribe(inbox)
    asked = time.time()
    await system.publish(f"$SYS.REQ.SERVER.PING.{what}", b"{}", reply=inbox)
    try:
        while True:
            message = await answers.next_msg(timeout=QUIET_SECONDS)
            answered = time.time()
            answer = orjson.loads(message.data)
            server = answer["server"]
            ahead = datetime.fromisoformat(server["time"]).timestamp() - (asked + answered) / 2
            found[server["name"]] = _Answer(answer.get("data") or {}, ahead, (answered - asked) / 2)
    except NatsTimeoutError:
        return found
    finally:
        await answers.unsubscribe()
