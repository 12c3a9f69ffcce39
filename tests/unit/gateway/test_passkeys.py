"""A passkey counts for this bus, opened by its owner, once; and what is none uses up nothing that others need."""

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from lgsp_auth.one_time import OneTimeValue
from lgsp_gateway.sessions.local_users.passkeys import CEREMONY_SECONDS, Passkeys
from lgsp_gateway.sessions.local_users.user_store import LocalUser
from lgsp_problems import Refusal

HOST = "lgsp.quangninh.gov.vn"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Guard:
    """Remembers what was used."""

    def __init__(self) -> None:
        self.used: set[bytes] = set()

    async def use(self, value: OneTimeValue) -> None:
        if value.digest() in self.used:
            raise value.kind.replayed()
        self.used.add(value.digest())


@dataclass
class Device:
    """A device with one passkey, which speaks for whichever site it is told."""

    host: str = HOST
    origin: str = f"https://{HOST}"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def _said(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes((flags,)) + self.count.to_bytes(4)

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        return {
            "id": encoded(b"credential"),
            "rawId": encoded(b"credential"),
            "type": "public-key",
            "response": response,
        }

    def make(self, challenge: str) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        attested = bytes(16) + len(b"credential").to_bytes(2) + b"credential" + public
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(self.flags | ATTESTED) + attested}
        client = self._said("webauthn.create", challenge)
        return self._credential(
            {"clientDataJSON": encoded(client), "attestationObject": encoded(cbor2.dumps(statement))}
        )

    def show(self, challenge: str, user: LocalUser) -> dict[str, Any]:
        self.count += 1
        client, data = self._said("webauthn.get", challenge), self._data(self.flags)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._credential(
            {
                "clientDataJSON": encoded(client),
                "authenticatorData": encoded(data),
                "signature": encoded(signature),
                "userHandle": encoded(user.id.encode()),
            }
        )


class Site:
    """A bus with one user who has made a passkey on a device."""

    def __init__(self) -> None:
        self.guard, self.device, self.now = Guard(), Device(), time.time()
        self.passkeys = Passkeys(lambda: {1: b"k" * 32}, self.guard, f"https://{HOST}")
        self.user = LocalUser.create("tran.thi.b")

    async def register(self) -> "Site":
        begun = self.passkeys.registration(self.user, self.now)
        made = self.device.make(begun["options"]["challenge"])
        self.user = await self.passkeys.add(self.user, begun["state"], made, "điện thoại", self.now)
        self.guard.used.clear()
        return self

    async def sign_in(self, begun: dict[str, Any] | None = None) -> None:
        begun = begun or self.passkeys.authentication(self.now)
        shown = self.device.show(begun["options"]["challenge"], self.user)
        self.user = await self.passkeys.check(self.user, begun["state"], shown, self.now)


async def test_a_passkey_signs_its_owner_in_and_each_ceremony_counts_once() -> None:
    site = await Site().register()
    begun = site.passkeys.authentication(site.now)
    await site.sign_in(begun)
    with pytest.raises(Refusal, match="not accepted"):
        await site.sign_in(begun)
    await site.sign_in()


@pytest.mark.parametrize(
    "changed",
    [
        {"host": "elsewhere.example"},
        {"host": "gov.vn"},
        {"origin": "https://elsewhere.example"},
        {"origin": f"http://{HOST}"},
        {"origin": f"https://{HOST}:8443"},
        {"flags": PRESENT},
        {"count": -1},
        {"key": ec.generate_private_key(ec.SECP256R1())},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_what_is_no_passkey_for_this_bus_is_refused_and_uses_nothing_up(changed: dict[str, Any]) -> None:
    site = await Site().register()
    await site.sign_in()
    site.guard.used.clear()
    for name, value in changed.items():
        setattr(site.device, name, value)
    with pytest.raises(Refusal, match="not accepted"):
        await site.sign_in()
    assert not site.guard.used


async def test_a_ceremony_ends_and_is_of_one_kind() -> None:
    site = await Site().register()
    begun = site.passkeys.authentication(site.now)
    site.now += CEREMONY_SECONDS + 1
    with pytest.raises(Refusal, match="too long"):
        await site.sign_in(begun)
    with pytest.raises(Refusal):
        await site.sign_in(site.passkeys.registration(site.user, site.now))
