"""What a developer of an agency program uses: `lgsp token` and `lgsp call`."""

import json
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, NamedTuple

import aiohttp
import orjson
from cyclopts import Parameter

from lgsp_contracts import names
from lgsp_contracts.cli.terminal import err, language, out, read_argument
from lgsp_contracts.entry import SALT_HEADER
from lgsp_gateway.cli.asynchronous_call import AsyncOptions, follow, show_accepted
from lgsp_gateway.cli.bus_client import BusAddress, BusClient, run_against_bus
from lgsp_gateway.cli.json_output import print_json
from lgsp_gateway.cli.options import AccessToken, StateFolder, Url, given_token
from lgsp_gateway.local.state_dir import DEFAULT
from lgsp_problems import Refusal, Text

ANSWERED_AT_ONCE = Text(
    "Đã trả lời ngay: hợp đồng không cho phép gọi không đồng bộ thao tác này.",
    "Answered at once: the contract allows no asynchronous calls of this operation.",
)


def token(system: str, /, *, state_dir: StateFolder = DEFAULT, url: Url = "", key: Path | None = None) -> None:
    """Print an access token of a system, alone on stdout.

    Parameters
    ----------
    system
        The system, such as mot-cua.
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    key
        The system's private key (PEM or JWK). By default SYSTEM.pem in the folder of the local bus or in the working directory.
    """
    out(BusAddress(state_dir, url).token(system, key) + "\n")


def call(
    service: str,
    operation: str,
    /,
    *,
    as_: Annotated[str, Parameter(name="--as")] = "",
    key: Annotated[Path | None, Parameter(name=["--as-key", "--key"])] = None,
    purpose: str = "",
    data: Annotated[str, Parameter(name=["--data", "-d"], allow_leading_hyphen=True)] = "{}",
    major: int = 1,
    idempotency_key: str = "",
    later: AsyncOptions = AsyncOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
    state_dir: StateFolder = DEFAULT,
    url: Url = "",
    access_token: AccessToken = "",
) -> None:
    """Call a service: the answer on stdout, message id and timing on stderr. With --async: what was accepted on stdout.

    Parameters
    ----------
    service
        The service, such as `population`.
    operation
        The operation, such as `verify-citizen`.
    as_
        The system that calls.
    key
        The private key (PEM or JWK) of that system. By default SYSTEM.pem in the folder of the local bus or in the working directory.
    purpose
        The purpose of the call; required if the operation reads personal data.
    data
        The request as JSON; @FILE reads it from a file, - from stdin.
    major
        The major version of the service.
    idempotency_key
        A key, such as a UUID, under which the call is carried out once at most: with the same key, it can be sent again.
    later
        Whether it is answered later, and how.
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    access_token
        An access token, instead of --as; by default that in LGSP_TOKEN.
    """
    address, own_token = BusAddress(state_dir, url), given_token(as_, access_token, url)
    if not (as_ or own_token):
        raise Refusal(
            "token-invalid",
            vi="Chưa biết ai gọi; hãy thêm --as HỆ_THỐNG hoặc --token MÃ.",
            en="Who calls is not known; add --as SYSTEM or --token TOKEN.",
        )
    path = f"/services/{names.service_name(service)}/v{names.major(str(major))}/{names.operation_name(operation)}"
    once = {"Idempotency-Key": names.header_value("Idempotency-Key", idempotency_key)} if idempotency_key else {}
    why = {"Lgsp-Purpose": names.purpose_name(purpose)} if purpose else {}
    headers = {
        "Authorization": names.header_value("Authorization", f"Bearer {own_token or address.token(as_, key)}"),
        "Content-Type": "application/json",
        "Accept-Language": language(),
        **why,
        **once,
        **later.headers(),
    }
    target = address.resolved() + path
    answer = run_against_bus(address.resolved(), _post(target, headers, read_argument(data)))
    is_accepted = answer.status == HTTPStatus.ACCEPTED
    _show(answer, document=not (is_accepted and later.wait))
    if not is_accepted:
        if later.async_ and answer.status == HTTPStatus.OK:
            err(f"{ANSWERED_AT_ONCE.in_language(language())}\n")
        return
    show_accepted(answer.message, as_)
    if later.wait:
        body = follow(lambda: BusClient(address.resolved(), own_token or address.token(as_, key)), answer.message)
        _print_document(body)


class _Answer(NamedTuple):
    status: int
    message: str
    timing: str
    salt: str
    body: bytes


async def _post(url: str, headers: dict[str, str], body: bytes) -> _Answer:
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        content = await answer.read()
        return _Answer(
            answer.status,
            answer.headers.get("Lgsp-Message-Id", ""),
            answer.headers.get("Server-Timing", ""),
            answer.headers.get(SALT_HEADER, ""),
            content,
        )


def _as_written(number: str) -> orjson.Fragment:
    """Keep the digits of a number: `12.50` is shown as `12.50`."""
    return orjson.Fragment(number)


def _print_document(body: bytes) -> None:
    try:
        print_json(json.loads(body, parse_float=_as_written, parse_int=_as_written))
    except ValueError:
        out(body.decode(errors="replace") + "\n")


def _show(answer: _Answer, *, document: bool) -> None:
    """Print an answer.

    Args:
        document: print its body too.

    Raises:
        SystemExit: with 1, where the call was refused.
    """
    if document:
        _print_document(answer.body)
    is_refused = answer.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED)
    words = Text("bị từ chối, thông điệp", "refused, message") if is_refused else Text("thông điệp", "message")
    err(f"{words.in_language(language())} {answer.message}\n")
    if answer.salt:
        err(f"{Text('muối', 'salt').in_language(language())} {answer.salt}\n")
    if answer.timing:
        err(f"{answer.timing.replace(';dur=', ' ')} (ms)\n")
    if is_refused:
        sys.exit(1)
