"""`lgsp adapter drain` and `resume`: who takes calls, decided about an instance that runs somewhere on the bus."""

from typing import Annotated, Any
from urllib.parse import quote

import orjson
from cyclopts import Parameter

from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli.bus_client import BusClient, BusOptions
from lgsp_gateway.cli.texts import localized

Reason = Annotated[str, Parameter(alias="-m")]

_STATES = {
    "serving": ("đang nhận lần gọi", "takes calls"),
    "resuming": ("sẽ nhận lại lần gọi khi nghe được lệnh", "takes calls again as soon as it hears of it"),
    "draining": ("không nhận lần gọi mới, đang làm nốt việc dở", "takes no new calls, and finishes those that it has"),
    "drained": ("đã tạm dừng: không nhận lần gọi nào", "is drained: takes no calls"),
}


def drain(instance: str, /, *, reason: Reason = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Give an instance of an adapter no more calls: it finishes those that it has, and others take the new ones.

    Parameters
    ----------
    instance
        Its id, as `lgsp adapters` shows it.
    reason
        Why; the agency that runs it reads that. An operator must say it.
    """
    _decide(bus.client(), instance, "drain", reason)


def resume(instance: str, /, *, reason: Reason = "", bus: BusOptions = BusOptions()) -> None:  # noqa: B008
    """Give a drained instance of an adapter calls again.

    Parameters
    ----------
    instance
        Its id, as `lgsp adapters` shows it.
    reason
        Why; the agency that runs it reads that. An operator must say it.
    """
    _decide(bus.client(), instance, "resume", reason)


def _decide(client: BusClient, instance: str, step: str, reason: str) -> None:
    body = orjson.dumps({"reason": reason} if reason else {})
    document: dict[str, Any] = orjson.loads(client.post(f"/ops/adapters/{quote(instance, safe='')}/{step}", body))
    state = localized(*_STATES[document["state"]])
    out(f"{document['service']} {document['id']}: {state}\n")
