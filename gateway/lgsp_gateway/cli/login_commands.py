"""What people use to be themselves on the bus: `lgsp login`, `lgsp logout`, `lgsp whoami`."""

import asyncio
import time
import webbrowser
from collections.abc import Coroutine
from typing import Any

import aiohttp
import orjson

from lgsp_contracts.cli.terminal import err, language, out
from lgsp_gateway.cli import session_file
from lgsp_gateway.cli.bus_client import BusAddress, BusClient, BusOptions, run_against_bus
from lgsp_gateway.cli.issuer_sign_in import sign_in_by_browser, sign_in_by_device
from lgsp_gateway.cli.options import StateFolder, Url
from lgsp_gateway.cli.problem_documents import refusal_from_oauth_error, refusal_from_response
from lgsp_gateway.local.state_dir import DEFAULT
from lgsp_gateway.sessions.oidc_client import Client as IssuerClient
from lgsp_gateway.sessions.oidc_client import failed
from lgsp_gateway.sessions.sign_in import ID_TOKEN, TOKEN_EXCHANGE
from lgsp_problems import Refusal, Text, on_one_line
from lgsp_runtime import connection_errors


def login(
    *,
    issuer: str = "",
    device: bool = False,
    browser: bool = True,
    again: bool = False,
    state_dir: StateFolder = DEFAULT,
    url: Url = "",
) -> None:
    """Sign in as yourself, with the account of your agency's issuer. Other commands then act as you.

    Parameters
    ----------
    issuer
        Whom to sign in with, where the bus knows several issuers.
    device
        Sign in on another device, where this machine has no browser.
    browser
        Open the browser; with --no-browser its address is only shown.
    again
        Have the issuer ask for your credentials even if you are signed in there, as changes that decide where data is sent need.
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    """
    address = BusAddress(state_dir, url).resolved()
    if again and device:
        raise failed("hãy bỏ --device khi dùng --again", "leave out --device where you use --again")
    client = _chosen(address, issuer)
    id_token = _run_against_issuer(client.issuer, _sign_in(client, device=device, browser=browser, again=again))
    session = run_against_bus(address, _exchange(address, id_token))
    path = session_file.save(session)
    who = orjson.loads(BusClient(address, session.token).get("/me"))
    _say(
        f"Đã đăng nhập: {_line(who)}; phiên được giữ ở {path}",
        f"Signed in: {_line(who)}; the session is kept in {path}",
    )


def logout(*, state_dir: StateFolder = DEFAULT, url: Url = "") -> None:
    """End your session on the bus, and remove it from this machine.

    Parameters
    ----------
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    """
    address = BusAddress(state_dir, url).resolved()
    session = session_file.saved(address)
    if session is None:
        _say("Chưa đăng nhập", "Not signed in")
        return
    try:
        run_against_bus(address, _revoke(session))
    except Refusal as error:
        raise _not_revoked(error) from error
    finally:  # a session that the bus did not end expires within the hour
        session_file.forget(address)
    _say("Đã đăng xuất", "Signed out")


def whoami(*, bus: BusOptions = BusOptions()) -> None:  # noqa: B008 - cyclopts reads it, nobody changes it
    """Show as whom commands act on the bus."""
    out(_line(orjson.loads(bus.client().get("/me"))) + "\n")


def _line(who: dict[str, Any]) -> str:
    return on_one_line(f"{who['principal']} ({who['agency']}; {', '.join(who['roles']) or '-'})")


def _say(vi: str, en: str) -> None:
    err(f"{Text(vi, en).in_language(language())}\n")


def _chosen(address: str, wanted: str) -> IssuerClient:
    """Return the issuer to sign in with.

    Raises:
        Refusal: `sign-in-failed`.
    """
    known = orjson.loads(BusClient(address, "").get("/oauth2/issuers"))["items"]
    matching = [one for one in known if wanted in ("", one["issuer"])]
    if len(matching) == 1:
        [one] = matching
        return IssuerClient(one["issuer"], one["client"], tuple(one["scopes"]), tuple(one["algorithms"]))
    if not known:
        raise failed(
            f"người dùng của trục này đăng nhập trên trình duyệt, tại {address}/console; lệnh nhận mã truy cập của một hệ thống bằng --as HỆ-THỐNG hoặc LGSP_TOKEN",
            f"the users of this bus sign in with a browser, at {address}/console; commands act as a system, by --as SYSTEM or LGSP_TOKEN",
        )
    names = ", ".join(one["issuer"] for one in known)
    raise failed(
        f"hãy chọn bên cấp bằng --issuer; trục này dùng: {names}",
        f"choose an issuer with --issuer; this bus knows: {names}",
    )


def _run_against_issuer(issuer: str, work: Coroutine[Any, Any, str]) -> str:
    """Run what talks to an issuer.

    Raises:
        Refusal: `sign-in-failed`, also when the issuer cannot be reached.
    """
    try:
        return asyncio.run(work)
    except (aiohttp.ClientConnectionError, TimeoutError) as error:
        reason = connection_errors.describe_error(error)
        raise failed(
            f"bên cấp {issuer} không trả lời ({reason}); hãy thử lại sau, hoặc hỏi người quản trị bên cấp",
            f"the issuer {issuer} does not answer ({reason}); try again later, or ask whoever runs it",
        ) from error


async def _sign_in(client: IssuerClient, *, device: bool, browser: bool, again: bool) -> str:
    def visit(address: str) -> None:
        _say(f"Hãy đăng nhập ở {address}", f"Sign in at {address}")
        if browser:
            webbrowser.open(address)

    def show_code(address: str, code: str) -> None:
        shown = on_one_line(code)
        where = on_one_line(address)
        _say(
            f"Mở {where} trên một thiết bị khác và nhập mã {shown}", f"Open {where} on another device and enter {shown}"
        )

    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        if device:
            return await sign_in_by_device(session, client, show_code)
        return await sign_in_by_browser(session, client, visit, again=again)


async def _exchange(address: str, id_token: str) -> session_file.SavedSession:
    """Exchange an ID token for a session (RFC 8693)."""
    form = {"grant_type": TOKEN_EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN}
    headers = {"Accept-Language": language()}
    began = time.time()
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{address}/oauth2/token", data=form, headers=headers) as answer,
    ):
        content = await answer.read()
    if answer.status != 200:
        raise refusal_from_oauth_error(answer.status, content, "sign-in-failed")
    issued = orjson.loads(content)
    return session_file.SavedSession(address, issued["access_token"], began + issued["expires_in"])


async def _revoke(session: session_file.SavedSession) -> None:
    """End a session on the bus (RFC 7009).

    Raises:
        Refusal: why the bus did not end it.
    """
    async with (
        aiohttp.ClientSession(headers={"Accept-Language": language()}) as client,
        client.post(f"{session.url}/oauth2/revoke", data={"token": session.token}) as answer,
    ):
        content = await answer.read()
    if answer.status != 200:
        raise refusal_from_response(answer.status, content)


def _not_revoked(error: Refusal) -> Refusal:
    return Refusal(
        error.code,
        kind=error.kind,
        vi=f"Phiên đã được xóa khỏi máy này nhưng trục chưa kết thúc phiên, nên phiên sẽ tự hết hạn trong vòng một giờ; nếu mã phiên có thể đã bị lộ, hãy nhờ người vận hành trục tạm dừng tài khoản (lgsp person suspend). {error.detail.vi}",
        en=f"The session was removed from this machine, but the bus has not ended it, so it expires by itself within the hour; if somebody else may have its token, ask an operator to suspend you (lgsp person suspend). {error.detail.en}",
    )
