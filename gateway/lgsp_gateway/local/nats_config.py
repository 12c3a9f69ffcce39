"""The configuration of the embedded nats-server: loopback, every message synced to disk, two users for the gateway.

Everybody else connects with an access token, and the server asks the gateway who that is (`nats_door.py`).
"""

import secrets
from pathlib import Path

import orjson

from lgsp_gateway.keystore import ensure_private, write_privately
from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.nats_door import ACCOUNT

GATEWAY = "gateway"
SYSTEM = "system"


def passwords(state: StateDir) -> Path:
    """The folder that holds the passwords of the gateway's two users, a file each."""
    return state.nats / "passwords"


def write(state: StateDir, port: int, account: str) -> Path:
    """Write `nats.conf` for this start.

    Args:
        account: the public key that vouches for whoever connects with an access token.
    """
    config = {
        "server_name": "lgsp-embedded",
        "host": "127.0.0.1",
        "port": port,
        "max_payload": 4 * 1024 * 1024,
        "max_pending": 64 * 1024 * 1024,
        "jetstream": {"store_dir": str(state.nats.absolute() / "data"), "sync_interval": "always"},
        "accounts": {
            ACCOUNT: {"jetstream": "enabled", "users": [_user(state, GATEWAY)]},
            "SYS": {"users": [_user(state, SYSTEM)]},
        },
        "system_account": "SYS",
        "authorization": {
            "auth_callout": {"issuer": account, "auth_users": [GATEWAY, SYSTEM], "account": ACCOUNT},
            "timeout": 3,
        },
    }
    path = state.nats / "nats.conf"
    write_privately(path, orjson.dumps(config, option=orjson.OPT_INDENT_2))
    return path


def _user(state: StateDir, name: str) -> dict[str, str]:
    password = ensure_private(passwords(state) / name, lambda: secrets.token_urlsafe(32).encode()).decode()
    return {"user": name, "password": password}
