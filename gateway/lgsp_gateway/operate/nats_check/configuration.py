"""What is wrong with the configuration file of a NATS server, of what a running server tells nobody: encryption, and the rights word by word."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.nats_check.leaf_users import unlimited_leaf_users
from lgsp_problems import CannotStart, Text


def of_configuration(file: Path) -> Iterator[Text]:
    """Compare a configuration with what `lgsp nats config` writes.

    Raises:
        Refusal: `cannot-start`, where the file cannot be read or is none of `lgsp nats config`, which writes JSON.
    """
    written = _read(file)
    jetstream = written.get("jetstream")
    if not (isinstance(jetstream, Mapping) and jetstream.get("cipher") and jetstream.get("key")):
        yield Text(
            f"{file} lưu không mã hóa, nên ai có đĩa là đọc được; hãy đặt cipher và key (lgsp nats config --encryption-key) trên máy chủ trống rồi chuyển dữ liệu sang.",
            f"{file} stores without encryption, readable by whoever gets the disk; give an empty server an encryption key (lgsp nats config --encryption-key) and move the data there.",
        )
    if unlimited := unlimited_leaf_users(written):
        yield Text(
            f"{file} cho nút lá vào bằng người dùng không bị giới hạn: {', '.join(unlimited)}; ai giữ máy đó đọc và ghi được dữ liệu của cơ quan khác, hãy bỏ mục leafnodes và các người dùng này rồi khởi động lại máy chủ.",
            f"{file} lets leaf nodes in by users without limits: {', '.join(unlimited)}; whoever owns that machine reads and writes the data of others, so remove leafnodes and these users, and restart the server.",
        )
    if differing := _differing(written):
        yield Text(
            f"{file} cho người dùng NATS quyền khác với lgsp nats config: {', '.join(differing)}; hãy viết lại bằng lgsp nats config rồi nạp lại máy chủ.",
            f"{file} gives NATS users other rights than lgsp nats config: {', '.join(differing)}; write it anew by lgsp nats config, and reload the server.",
        )


def _read(file: Path) -> Mapping[str, Any]:
    try:
        written = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise CannotStart(
            vi=f"Không đọc được cấu hình {file}: {error}; hãy nêu tệp do lgsp nats config viết.",
            en=f"The configuration {file} cannot be read: {error}; name a file that lgsp nats config wrote.",
        ) from error
    return written if isinstance(written, dict) else {}


def _differing(written: Mapping[str, Any]) -> list[str]:
    """Return the users whose account or permissions differ, and `auth_callout` where others are let in by themselves."""
    expected = _rights(nats_users.accounts(dict.fromkeys(nats_users.NAMES, "")))
    actual = _rights(written.get("accounts") or {})
    differing = sorted(user for user in expected | actual if expected.get(user) != actual.get(user))
    callout = (written.get("authorization") or {}).get("auth_callout") or {}
    wanted = nats_users.callout("")["auth_callout"]
    if (sorted(callout.get("auth_users") or ()), callout.get("account")) != (
        sorted(wanted["auth_users"]),
        wanted["account"],
    ):
        differing.append("auth_callout")
    return differing


def _rights(accounts: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    return {
        str(user.get("user")): (account, user.get("permissions"))
        for account, of_account in accounts.items()
        for user in of_account.get("users") or ()
    }
