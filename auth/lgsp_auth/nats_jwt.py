"""The JWTs of NATS itself: authorization requests of its auth callout, and the user JWTs that answer them.

NATS JWTs are signed with Ed25519 keys written as "nkeys" (base32 of a prefix byte, the key and a CRC-16), and their `alg` is
NATS's own, so no JOSE library supports them; the format is that of NATS's ADR-26 and of the nkeys specification.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ACCOUNT = 0
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
REPLIES = {"max": 1, "ttl": 120_000_000_000}
"""A request may be replied to once, within two minutes (in nanoseconds)."""
CONNECTION_TYPES = ["STANDARD", "WEBSOCKET"]
"""No leaf nodes and no MQTT, which may do more than a client."""


class AccountKey:
    """The signing key of the bus's NATS account.

    Args:
        seed: 32 bytes, as secret as any private key.
    """

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        raw = self._private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public = _encode_nkey(_ACCOUNT, raw)

    def _sign(self, claims: dict[str, Any]) -> str:
        body = json.dumps(claims, separators=(",", ":"), sort_keys=True).encode()
        claims["jti"] = base64.b32encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
        signed = f"{_encode_segment(_HEADER)}.{_encode_segment(claims)}"
        signature = base64.urlsafe_b64encode(self._private.sign(signed.encode())).rstrip(b"=").decode()
        return f"{signed}.{signature}"

    def user(
        self,
        nkey: str,
        account: str,
        name: str,
        subscribe: Sequence[str],
        publish: Sequence[str],
        now: float,
        expires: float,
    ) -> str:
        """Sign a user that may subscribe and publish to these subjects, reply to requests, and nothing else.

        Args:
            nkey: the public key that the server gave the connection.
            account: the account of the user.
            name: the user's name in the server's monitoring.
            subscribe, publish: the subjects.
            now: seconds since 1970.
            expires: when the server closes the connection, in seconds since 1970.
        """
        permissions = {
            "pub": {"allow": list(publish)} if publish else {"deny": [">"]},
            "sub": {"allow": list(subscribe)} if subscribe else {"deny": [">"]},
            "resp": REPLIES,
            "subs": -1,
            "data": -1,
            "payload": -1,
            "allowed_connection_types": CONNECTION_TYPES,
        }
        return self._sign(
            {
                "iss": self.public,
                "sub": nkey,
                "aud": account,
                "name": name,
                "iat": int(now),
                "exp": int(expires),
                "nats": {**permissions, "type": "user", "version": 2},
            }
        )

    def response(self, request: "CalloutRequest", user: str, error: str, now: float) -> bytes:
        """Sign the response to an authorization request.

        Args:
            user: the signed user, empty where access is refused.
            error: the reason of a refusal.
            now: seconds since 1970.
        """
        nats = {"type": "authorization_response", "version": 2, **({"error": error} if error else {"jwt": user})}
        claims = {"iss": self.public, "sub": request.nkey, "aud": request.server, "iat": int(now), "nats": nats}
        return self._sign(claims).encode()


class CalloutRequest:
    """A server's authorization request for a connection. Only servers may publish to its subject, so its signature is not checked.

    Raises:
        ValueError: the token is not an authorization request.
    """

    def __init__(self, token: bytes) -> None:
        try:
            payload = token.split(b".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
            nats: Mapping[str, Any] = claims["nats"]
            self.nkey = str(nats["user_nkey"])
            self.server = str(nats["server_id"]["id"])
            options = nats["connect_opts"]
        except (IndexError, KeyError, TypeError, ValueError, binascii.Error) as error:
            raise ValueError("not an authorization request") from error
        self.auth_token = str(options.get("auth_token", ""))
        self.address = str(nats["client_info"].get("host", ""))


def _encode_segment(content: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _encode_nkey(kind: int, raw: bytes) -> str:
    body = bytes([kind]) + raw
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).rstrip(b"=").decode()
