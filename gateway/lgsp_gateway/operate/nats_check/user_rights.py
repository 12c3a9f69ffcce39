"""Whether the users of running NATS servers have the rights that `lgsp nats config` gives them, found by trying.

A server tells nobody what the users of others may do, and those with few rights may not ask it about themselves. So each user asks for
what it must and must not be able to do, about a stream that does not exist: nothing is changed where it is let.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path

import nats
import orjson
from nats.aio.client import Client
from nats.errors import Error as NatsError

from lgsp_gateway.operate import nats_users
from lgsp_problems import CannotStart, Text

SECONDS = 5.0
REFUSAL_SECONDS = 1.0
_NO_STREAM = "LGSP_CHECK_OF_RIGHTS"
_DELETIONS = tuple(f"$JS.API.STREAM.{verb}.{_NO_STREAM}" for verb in ("PURGE", "DELETE", "MSG.DELETE"))
_NO_SUBJECT = "lgsp.check.sending"
_NOT_HEARD = "lgsp.check.hearing"
_MAY = {
    nats_users.GATEWAY: (f"$JS.API.STREAM.INFO.{_NO_STREAM}", _NO_SUBJECT),
    nats_users.ARCHIVER: (f"$JS.API.STREAM.INFO.{_NO_STREAM}",),
    nats_users.PEOPLE: ("$JS.API.STREAM.MSG.GET.KV_LGSP_PEOPLE",),
    nats_users.BACKUP: ("$JS.API.STREAM.NAMES",),
}
_MAY_NOT = {
    nats_users.GATEWAY: (*_DELETIONS, "$SYS.REQ.USER.AUTH"),
    nats_users.ARCHIVER: (*_DELETIONS, _NO_SUBJECT),
    nats_users.PEOPLE: (*_DELETIONS, _NO_SUBJECT),
    nats_users.BACKUP: (*_DELETIONS, _NO_SUBJECT),
}
"""Of `gateway`, `$SYS.REQ.USER.AUTH` is denied by a server that has gateways authorize whoever connects (auth callout), and only by it."""


async def of_users(url: str, passwords: Path, tls: ssl.SSLContext | None) -> list[Text]:
    """Try each user with a password, and whether somebody without one is let in.

    Args:
        url: the address of one server, since each has a configuration of its own.
        passwords: the folder of the passwords, a file each.

    Raises:
        Refusal: `cannot-start`, where a password cannot be read.
    """
    secrets = {user: _password(passwords / user) for user in nats_users.NAMES}
    found = await asyncio.gather(
        *(_of_user(url, user, secret, tls) for user, secret in secrets.items()), _of_anybody(url, tls)
    )
    return [finding for findings in found for finding in findings]


def _password(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CannotStart(
            vi=f"Không đọc được mật khẩu NATS ở {file}: {error.strerror}; hãy kiểm tra --nats-passwords.",
            en=f"Cannot read the NATS password in {file}: {error.strerror}; check --nats-passwords.",
        ) from error


class _Trial:
    """A connection and what it was refused."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._more = asyncio.Event()

    async def connect(self, url: str, tls: ssl.SSLContext | None, **credentials: str) -> Client:
        options = {"tls": tls} if tls else {}
        return await nats.connect(
            url,
            name="lgsp nats check",
            error_cb=self._note,
            allow_reconnect=False,
            connect_timeout=SECONDS,
            **options,
            **credentials,
        )

    async def _note(self, error: Exception) -> None:
        self.refused.append(str(error).lower())
        self._more.set()

    async def wait_until_refused(self, subjects: Iterable[str]) -> None:
        """Wait until all of these were refused, or for a while: nats-py tells of refusals in no order with a flush."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFUSAL_SECONDS):
                while not all(map(self.was_refused, subjects)):
                    self._more.clear()
                    await self._more.wait()

    def was_refused(self, subject: str) -> bool:
        return any(f'"{subject.lower()}"' in text for text in self.refused)


async def _of_user(url: str, user: str, password: str, tls: ssl.SSLContext | None) -> list[Text]:
    trial = _Trial()
    try:
        connection = await trial.connect(url, tls, user=user, password=password)
    except (NatsError, OSError, TimeoutError):
        return [
            Text(
                f"{url}: NATS không cho người dùng {user} vào bằng mật khẩu trong thư mục; hãy viết lại cấu hình bằng lgsp nats config với cùng thư mục passwords rồi nạp lại máy chủ.",
                f"{url}: NATS does not let the user {user} in by the password in the folder; write the configuration anew by lgsp nats config with the same passwords, and reload the servers.",
            )
        ]
    try:
        subjects = (*_MAY.get(user, ()), *_MAY_NOT.get(user, ()))
        for subject in subjects:
            await connection.publish(subject, b"", reply=connection.new_inbox())
        await connection.subscribe(_NOT_HEARD)
        await connection.flush(timeout=int(SECONDS))
        if user == nats_users.SYSTEM:
            return await _of_system(url, connection)
        heard = () if user == nats_users.GATEWAY else (_NOT_HEARD,)
        await trial.wait_until_refused((*_MAY_NOT[user], *heard))
        return list(_compared(url, user, trial))
    finally:
        await connection.close()


async def _of_system(url: str, connection: Client) -> list[Text]:
    reply = await connection.request("$SYS.REQ.USER.INFO", b"", timeout=SECONDS)
    account = (orjson.loads(reply.data).get("data") or {}).get("account")
    if account == nats_users.SYSTEM_ACCOUNT:
        return []
    return [
        Text(
            f"{url}: Người dùng {nats_users.SYSTEM} thuộc tài khoản {account} thay vì {nats_users.SYSTEM_ACCOUNT}; hãy viết lại cấu hình bằng lgsp nats config.",
            f"{url}: The user {nats_users.SYSTEM} is in account {account} instead of {nats_users.SYSTEM_ACCOUNT}; write the configuration anew by lgsp nats config.",
        )
    ]


def _compared(url: str, user: str, trial: _Trial) -> Iterator[Text]:
    too_much = [subject for subject in _MAY_NOT[user] if not trial.was_refused(subject)]
    if user != nats_users.GATEWAY and not trial.was_refused(_NOT_HEARD):
        too_much.append(f"subscribe {_NOT_HEARD}")
    if too_much == ["$SYS.REQ.USER.AUTH"]:
        yield Text(
            f"{url}: NATS không hỏi gateway ai được kết nối (auth_callout); hãy viết lại cấu hình bằng lgsp nats config rồi nạp lại máy chủ.",
            f"{url}: NATS does not ask gateways who may connect (auth_callout); write the configuration anew by lgsp nats config, and reload the servers.",
        )
    elif too_much:
        yield Text(
            f"{url}: Người dùng NATS {user} làm được điều không được phép: {', '.join(too_much)}; hãy viết lại cấu hình bằng lgsp nats config rồi nạp lại máy chủ.",
            f"{url}: The NATS user {user} can do what it must not: {', '.join(too_much)}; write the configuration anew by lgsp nats config, and reload the servers.",
        )
    if too_little := [subject for subject in _MAY[user] if trial.was_refused(subject)]:
        yield Text(
            f"{url}: Người dùng NATS {user} không làm được điều trục cần: {', '.join(too_little)}; hãy viết lại cấu hình bằng lgsp nats config rồi nạp lại máy chủ.",
            f"{url}: The NATS user {user} cannot do what the bus needs: {', '.join(too_little)}; write the configuration anew by lgsp nats config, and reload the servers.",
        )


async def _of_anybody(url: str, tls: ssl.SSLContext | None) -> list[Text]:
    try:
        connection = await _Trial().connect(url, tls)
    except (NatsError, OSError, TimeoutError):
        return []
    try:  # nats-py takes a ping of the server for being let in, which comes while gateways are asked
        await connection.flush(timeout=int(SECONDS))
    except (NatsError, OSError, TimeoutError):
        return []
    finally:
        await connection.close()
    return [
        Text(
            f"{url}: NATS cho vào cả người không có mật khẩu; hãy bỏ no_auth_user và viết lại cấu hình bằng lgsp nats config.",
            f"{url}: NATS lets in whoever has no password; remove no_auth_user, and write the configuration anew by lgsp nats config.",
        )
    ]
