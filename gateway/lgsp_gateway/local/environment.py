"""What stands around a local bus: its registry, adapters and sandbox servers, as one value.

The registry is written once into the state folder, with a key pair for each system made on the spot. Systems sign their own
assertions (`private_key_jwt`); those in `with_secret` also have a secret, for programs that can do no better.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts import documents
from lgsp_gateway.local.citizen_issuer import DemoCitizen
from lgsp_gateway.local.state_dir import StateDir
from lgsp_gateway.sessions.demo_sign_in import Newcomer
from lgsp_runtime import durable_file


@dataclass(frozen=True, slots=True)
class Environment:
    """A local bus before it is started.

    Args:
        registry: the documents it begins with.
        words: what its user is told once it answers, from its address and its folder.
        adapters: name and manifests of each process, a path or the name of one that comes with lgsp.
        catalog: a folder of contracts, where they are others than those that come with lgsp.
        sandboxes: for each sandbox server, the names of the credentials it asks for.
        systems: where the adapters find what no server of its own plays, from the state folder and the ports.
        with_secret: systems that have a client secret.
        gateways: the names of the gateways; several share one port.
        searchable: an indexer runs too.
        operator: the operator's system, where a link signs a person in who operates the bus; "" for no such link.
        officer: as what another link registers an officer who uses forms; None for no such link.
        administrator: as what another link registers the administrator of an agency; None for no such link.
        providers: the same for agencies that provide services, without whose approval nobody reads their personal data, by the
            name of the link.
        citizens: whom the stand-in issuer signs in to the citizens' page; none for no such issuer.
    """

    registry: Path
    ready_message: Callable[[str, StateDir], str]
    adapters: Mapping[str, tuple[str, ...]]
    catalog: Path | None = None
    sandboxes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    systems: Callable[[StateDir, Mapping[str, int]], dict[str, str]] = lambda _state, _ports: {}
    with_secret: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ("local",)
    searchable: bool = False
    operator: str = ""
    officer: Newcomer | None = None
    administrator: Newcomer | None = None
    providers: Mapping[str, Newcomer] = field(default_factory=dict)
    citizens: tuple[DemoCitizen, ...] = ()

    def seed(self, state: StateDir) -> None:
        """Fill an empty registry; leave one that is there as it is."""
        target = state.registry / self.registry.name
        if target.exists():
            return
        loaded = [document for _, document in documents.read(self.registry)]
        for document in loaded:
            if document["kind"] == "System":
                self._identify(state, document)
        durable_file.write(target, yaml.safe_dump_all(loaded, allow_unicode=True, sort_keys=False).encode())

    def environment(self, state: StateDir, ports: Mapping[str, int]) -> dict[str, str]:
        """Return the secrets that the sandbox servers require and the adapters send: new for each start, and in no file."""
        environment = self.systems(state, ports)
        for server, names in self.sandboxes.items():
            prefix = f"LGSP_{server.replace('-', '_').upper()}"
            environment[f"{prefix}_URL"] = f"http://127.0.0.1:{ports[server]}"
            environment |= {f"{prefix}_{name}": secrets.token_urlsafe(16) for name in names}
        return environment

    def _identify(self, state: StateDir, document: dict[str, Any]) -> None:
        name = document["metadata"]["name"]
        path = state.credentials / f"{name}.pem"
        key = SigningKey.from_pem(durable_file.ensure(path, lambda: SigningKey.generate().to_pem()))
        document["spec"]["jwks"] = [key.public_jwk()]
        if name in self.with_secret:
            secret = durable_file.ensure(
                state.credentials / f"{name}.secret", lambda: secrets.token_urlsafe(32).encode()
            )
            document["spec"]["secretSha256"] = hashlib.sha256(secret).hexdigest()
