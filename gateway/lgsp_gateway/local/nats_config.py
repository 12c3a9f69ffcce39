"""The configuration of the embedded nats-server: loopback, every message synced to disk, four users with passwords.

The gateway's user may do anything but delete what is written. The archiver's may, in the two streams of the evidence; that of
people, in the bucket of what can be forgotten of them.
Everybody else connects with an access token, and the server asks the gateway who that is (`nats/auth_callout.py`).
"""

import secrets
import shutil
from pathlib import Path

import orjson

from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.nats.auth_callout import ACCOUNT
from lgsp_runtime import durable_file

GATEWAY = "gateway"
SYSTEM = "system"
ARCHIVER = "archiver"
PEOPLE = "people"

LOG = "nats-server.log"

MAX_SUBSCRIPTIONS = 4_000
"""Of one connection: an adapter takes nine to announce itself and one for each operation."""

MAX_PAYLOAD = 17 * 1024 * 1024
"""Of one message: a document of 16 MiB, which a contract may allow, and what stands before it."""

LOG_BYTES = 4 * 1024 * 1024
LOG_FILES = 4
"""The server writes a line of each thing that it refuses a connection, as fast as that asks: 5 MB a second (measured). So its log goes
on in another file, and the oldest one goes."""

DELETING = ["$JS.API.STREAM.PURGE.>", "$JS.API.STREAM.DELETE.>", "$JS.API.STREAM.MSG.DELETE.>"]
ARCHIVING = [
    *(f"$JS.API.STREAM.PURGE.{stream}" for stream in ("LGSP_EVIDENCE", "LGSP_CHECKPOINTS")),
    *(f"$JS.API.{verb}.>" for verb in ("STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET", "CONSUMER")),
    "$JS.FC.>",
]

FORGETTING = [f"$JS.API.STREAM.{verb}.KV_LGSP_PEOPLE" for verb in ("MSG.GET", "MSG.DELETE", "PURGE")]


def passwords(state: StateDir) -> Path:
    """Return the folder that holds the passwords of these users, a file each."""
    return state.nats / "passwords"


def storage(state: StateDir) -> Path:
    """Return the folder of JetStream's storage."""
    return state.nats / "data"


def write(state: StateDir, port: int, account: str) -> Path:
    """Write `nats.conf` for this start.

    Args:
        account: the public key that vouches for whoever connects with an access token.
    """
    log = state.logs / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    gateway = {**_user(state, GATEWAY), "permissions": {"publish": {"deny": DELETING}}}
    archiver = {**_user(state, ARCHIVER), "permissions": {"publish": ARCHIVING, "subscribe": "_INBOX.>"}}
    people = {**_user(state, PEOPLE), "permissions": {"publish": FORGETTING, "subscribe": "_INBOX.>"}}
    config = {
        "server_name": "lgsp-embedded",
        "host": "127.0.0.1",
        "port": port,
        "log_file": str(log.absolute()),
        "logfile_size_limit": LOG_BYTES,
        "logfile_max_num": LOG_FILES,
        "max_payload": MAX_PAYLOAD,
        "max_pending": 64 * 1024 * 1024,
        "max_subscriptions": MAX_SUBSCRIPTIONS,
        "jetstream": {
            "store_dir": str(storage(state).absolute()),
            "sync_interval": "always",
            "max_file_store": _max_file_store(storage(state)),
        },
        "accounts": {
            ACCOUNT: {"jetstream": "enabled", "users": [gateway, archiver, people]},
            "SYS": {"users": [_user(state, SYSTEM)]},
        },
        "system_account": "SYS",
        "authorization": {
            "auth_callout": {
                "issuer": account,
                "auth_users": [GATEWAY, SYSTEM, ARCHIVER, PEOPLE],
                "account": ACCOUNT,
            },
            "timeout": 3,
        },
    }
    path = state.nats / "nats.conf"
    durable_file.write(path, orjson.dumps(config, option=orjson.OPT_INDENT_2))
    return path


def _max_file_store(folder: Path) -> int:
    """Return how many bytes may be stored: what is stored now, and three quarters of what the disk has left.

    By default the server takes three quarters of what is left at each start, whatever it has stored; so a server that had filled half of its disk
    would store nothing any more after a restart, not even evidence.
    """
    used = sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file()) if folder.exists() else 0
    return used + shutil.disk_usage(folder.parent).free * 3 // 4


def _user(state: StateDir, name: str) -> dict[str, str]:
    password = durable_file.ensure(passwords(state) / name, lambda: secrets.token_urlsafe(32).encode()).decode()
    return {"user": name, "password": password}
