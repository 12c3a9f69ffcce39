"""The demo registry: written once into the state folder, with a key pair for each system made on the spot.

Systems sign their own assertions (`private_key_jwt`); `du-lich` and `mot-cua` also have a secret, for programs that can
do no better.
"""

import hashlib
import secrets
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from lgsp_auth.keys import SigningKey
from lgsp_contracts import documents
from lgsp_gateway.keystore import ensure_private, write_privately
from lgsp_gateway.local.state_dir import StateDir
from lgsp_problems import Refusal

WITH_SECRET = ("du-lich", "mot-cua")


def seed(state: StateDir) -> None:
    """Fill an empty registry; leave one that is there as it is."""
    target = state.registry / "demo.yaml"
    if target.exists():
        return
    found = [document for _, document in documents.read(Path(str(files("lgsp_gateway").joinpath("local/demo.yaml"))))]
    for document in found:
        if document["kind"] == "System":
            _identify(state, document)
    write_privately(target, yaml.safe_dump_all(found, allow_unicode=True, sort_keys=False).encode())


def private_key(state: StateDir, system: str) -> SigningKey:
    """The private key of a demo system.

    Raises:
        Refusal: `not-found`, naming the systems there are.
    """
    path = state.credentials / f"{system}.pem"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in state.credentials.glob("*.pem"))) or "-"
        raise Refusal(
            "not-found",
            vi=f"Không có khóa của hệ thống {system} trong {state.credentials}; các hệ thống hiện có: {known}.",
            en=f"There is no key of a system {system} in {state.credentials}; the systems are: {known}.",
        )
    return SigningKey.from_pem(path.read_bytes())


def _identify(state: StateDir, document: dict[str, Any]) -> None:
    name = document["metadata"]["name"]
    key = SigningKey.from_pem(ensure_private(state.credentials / f"{name}.pem", lambda: SigningKey.generate().to_pem()))
    document["spec"]["jwks"] = [key.public_jwk()]
    if name in WITH_SECRET:
        secret = ensure_private(state.credentials / f"{name}.secret", lambda: secrets.token_urlsafe(32).encode())
        document["spec"]["secretSha256"] = hashlib.sha256(secret).hexdigest()
