"""The configuration of the embedded nats-server: loopback, every message synced to disk, and a user for each process.

A provider's system may serve the subjects of its own services, answer what it is asked, and nothing else; the server
itself refuses the rest.
"""

import secrets
from pathlib import Path

import orjson

from lgsp_contracts.catalog import Catalog
from lgsp_gateway.keystore import ensure_private, write_privately
from lgsp_gateway.local.state_dir import StateDir

GATEWAY = "gateway"
SYSTEM = "system"


def passwords(state: StateDir) -> Path:
    """The folder that holds a password per user, a file each."""
    return state.nats / "passwords"


def write(state: StateDir, port: int, catalog: Catalog) -> Path:
    """Write `nats.conf` for this start."""
    services: dict[str, list[str]] = {}
    for contract in catalog.values():
        services.setdefault(contract.provider, []).append(contract.service)
    users = [_user(state, GATEWAY), *(_user(state, name, _provider(found)) for name, found in services.items())]
    config = {
        "server_name": "lgsp-embedded",
        "host": "127.0.0.1",
        "port": port,
        "max_payload": 4 * 1024 * 1024,
        "max_pending": 64 * 1024 * 1024,
        "jetstream": {"store_dir": str(state.nats.absolute() / "data"), "sync_interval": "always"},
        "accounts": {
            "LGSP": {"jetstream": "enabled", "users": users},
            "SYS": {"users": [_user(state, SYSTEM)]},
        },
        "system_account": "SYS",
    }
    path = state.nats / "nats.conf"
    write_privately(path, orjson.dumps(config, option=orjson.OPT_INDENT_2))
    return path


def _user(state: StateDir, name: str, permissions: dict[str, object] | None = None) -> dict[str, object]:
    password = ensure_private(passwords(state) / name, lambda: secrets.token_urlsafe(32).encode()).decode()
    user: dict[str, object] = {"user": name, "password": password}
    return user | {"permissions": permissions} if permissions else user


def _provider(services: list[str]) -> dict[str, object]:
    announcing = ["$SRV.*"]
    for service in services:
        announcing += [f"$SRV.*.{service}", f"$SRV.*.{service}.*"]
    return {
        "subscribe": [*(f"svc.{service}.>" for service in services), *announcing],
        "publish": {"deny": ">"},
        "allow_responses": True,
    }
