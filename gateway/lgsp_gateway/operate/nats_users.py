"""The users of the NATS servers that have a password, and what each may do.

The gateway's user may do anything but delete what is written. The archiver's may, in the two streams of the evidence; that of
people, in the bucket of what can be forgotten of them. That of backups reads everything and writes nothing. Everybody else connects with an access token, and the server asks a gateway
who that is (`nats/auth_callout.py`).
"""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lgsp_gateway.nats.auth_callout import ACCOUNT
from lgsp_problems import CannotStart
from lgsp_runtime import durable_file

GATEWAY = "gateway"
SYSTEM = "system"
ARCHIVER = "archiver"
PEOPLE = "people"
BACKUP = "backup"
NAMES = (GATEWAY, SYSTEM, ARCHIVER, PEOPLE, BACKUP)

ROUTES = "routes"
"""The user as whom the servers of a cluster reach each other, in no account."""

SYSTEM_ACCOUNT = "SYS"

_INBOXES = "_INBOX.>"
_DELETING = ["$JS.API.STREAM.PURGE.>", "$JS.API.STREAM.DELETE.>", "$JS.API.STREAM.MSG.DELETE.>"]
_ARCHIVING = [
    *(f"$JS.API.STREAM.PURGE.{stream}" for stream in ("LGSP_EVIDENCE", "LGSP_CHECKPOINTS")),
    *(f"$JS.API.{verb}.>" for verb in ("STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET", "CONSUMER")),
    "$JS.FC.>",
]
_BACKING_UP = [
    *(f"$JS.API.STREAM.{verb}" for verb in ("NAMES", "INFO.>", "SNAPSHOT.>")),
    "$JS.SNAPSHOT.ACK.>",
    *(f"$JS.API.STREAM.MSG.GET.{stream}" for stream in ("LGSP_EVIDENCE", "LGSP_CHECKPOINTS")),
    *(
        f"$JS.API.CONSUMER.{verb}.{stream}.>"
        for stream in ("LGSP_EVIDENCE", "LGSP_CHECKPOINTS", "LGSP_SEALS", "KV_LGSP_REGISTRY")
        for verb in ("CREATE", "INFO", "DELETE", "MSG.NEXT")
    ),
]
_FORGETTING = [f"$JS.API.STREAM.{verb}.KV_LGSP_PEOPLE" for verb in ("MSG.GET", "MSG.DELETE", "PURGE")]


def new_secret() -> bytes:
    """Return a secret of 256 bits, as text for a configuration."""
    return secrets.token_urlsafe(32).encode()


def ensure_secret(file: Path) -> str:
    """Return the secret in a file, which is made with a new one, of mode 0600, where it is missing.

    An empty file is refused: to the server an empty password is one that everybody knows, and an empty key is no encryption. So is one that
    holds more than a line of printable ASCII, which no configuration of NATS takes.

    Raises:
        Refusal: `cannot-start`.
    """
    content = durable_file.ensure(file, new_secret).strip()
    if not content.isascii() or not content.decode("ascii", "replace").isprintable():
        raise CannotStart(
            vi=f"Tệp {file} phải chứa một bí mật trên một dòng, bằng chữ và số; hãy chỉ đúng tệp, hoặc xóa tệp để tạo bí mật mới nếu chưa có gì dùng bí mật cũ.",
            en=f"{file} must hold a secret on one line, in printable ASCII; name the right file, or delete it to have a new secret made if nothing uses the old one yet.",
        )
    secret = content.decode("ascii")
    if not secret:
        raise CannotStart(
            vi=f"Tệp {file} phải chứa một bí mật nhưng đang trống; hãy chép lại nội dung của nó từ bản sao lưu, hoặc xóa tệp để tạo bí mật mới nếu chưa có gì dùng bí mật cũ.",
            en=f"{file} must hold a secret and is empty; restore it from a backup, or delete the file to have a new secret made if nothing uses the old one yet.",
        )
    return secret


def ensure_passwords(folder: Path) -> dict[str, str]:
    """Return the password of each user, and that of the servers themselves; one that has none gets a file with a new one, of mode 0600.

    Raises:
        Refusal: `cannot-start`, as `ensure_secret`.
    """
    return {name: ensure_secret(folder / name) for name in (*NAMES, ROUTES)}


def change_password(folder: Path, user: str, configurations: Sequence[Path]) -> str:
    """Give a user a new password: in the configuration of the servers, which have still to read it, and in the user's file.

    Args:
        folder: of the passwords, a file each.
        configurations: the `nats.conf` of each server on this machine.

    Returns:
        The new password.

    Raises:
        Refusal: `cannot-start`, where a configuration does not have the present password; then nothing is changed.
        OSError: a file cannot be read or written.
    """
    old, new = ensure_secret(folder / user), new_secret().decode()
    texts = {path: path.read_text(encoding="utf-8") for path in configurations}
    for path, text in texts.items():
        if old not in text:
            raise CannotStart(
                vi=f"{path} không có mật khẩu hiện tại của người dùng {user}; hãy chỉ đúng tệp cấu hình và thư mục mật khẩu.",
                en=f"{path} does not have the present password of user {user}; name the right configuration and folder of passwords.",
            )
    for path, text in texts.items():
        durable_file.write(path, text.replace(old, new).encode())
    durable_file.write(folder / user, new.encode())
    return new


def accounts(passwords: dict[str, str]) -> dict[str, Any]:
    """Return the accounts of the servers, as their configuration takes them.

    Args:
        passwords: of each user.
    """
    permissions: dict[str, dict[str, Any]] = {
        GATEWAY: {"publish": {"deny": _DELETING}},
        ARCHIVER: {"publish": _ARCHIVING, "subscribe": _INBOXES},
        PEOPLE: {"publish": _FORGETTING, "subscribe": _INBOXES},
        BACKUP: {"publish": _BACKING_UP, "subscribe": _INBOXES},
    }
    users = [{"user": name, "password": passwords[name], "permissions": rights} for name, rights in permissions.items()]
    return {
        ACCOUNT: {"jetstream": "enabled", "users": users},
        SYSTEM_ACCOUNT: {"users": [{"user": SYSTEM, "password": passwords[SYSTEM]}]},
    }


def callout(issuer: str) -> dict[str, Any]:
    """Return how the servers learn who connects with an access token.

    Args:
        issuer: the public key that vouches for it (`lgsp keys show`).
    """
    return {"auth_callout": {"issuer": issuer, "auth_users": list(NAMES), "account": ACCOUNT}, "timeout": 3}
