"""What gateways share of the certificate of their domain: the account, the certificate with its key, challenges, and whose turn it is.

It lies in a bucket of NATS, encrypted, so that one gateway renews and all use what it got, and the authority may reach any of them.
"""

import time
from collections.abc import Mapping
from typing import Any

import orjson
from nats.aio.client import Client
from nats.js.kv import KeyValue

from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnreadablePayloadError
from lgsp_gateway.operate.certificates.acme_order import Challenge, IssuedCertificate, new_account_key
from lgsp_gateway.sessions import buckets
from lgsp_runtime.nats import streams
from lgsp_runtime.nats.request_reply import bus_unavailable

BUCKET = "LGSP_CERTIFICATES"
LEASE_SECONDS = 300.0
"""How long one gateway may take for an order before another one tries."""
_ACCOUNT, _CERTIFICATE, _LEASE = "account", "certificate", "lease"


class CertificateStore:
    """The bucket.

    Args:
        cipher: encrypts what lies in it.
    """

    def __init__(self, connection: Client, cipher: PayloadCipher) -> None:
        self._connection = connection
        self._cipher = cipher
        self._bucket: KeyValue | None = None

    async def open(self, replicas: int) -> None:
        """Create the bucket, or check the one that exists.

        Raises:
            Refusal: `cannot-start`.
        """
        config = buckets.bucket_config(BUCKET, "The certificate of the gateways' domain, encrypted", replicas)
        await streams.ensure(self._connection, config)
        self._bucket = await self._connection.jetstream().key_value(BUCKET)

    async def account_key(self) -> str:
        """Return the private key of the account, PEM, which is made by whichever gateway is first.

        An account costs nothing: where the key that encrypted it was deleted, there is another one.

        Raises:
            Refusal: `bus-unavailable`.
        """
        account = await self._read(_ACCOUNT)
        if account is None:
            stored = await buckets.read(self._bucket, _ACCOUNT)
            made = self._sealed(_ACCOUNT, {"key": new_account_key()})
            await buckets.replace(self._bucket, _ACCOUNT, made, stored.revision if stored else 0)
            account = await self._read(_ACCOUNT)
        if account is None:
            raise bus_unavailable()
        return str(account["key"])

    async def certificate(self) -> IssuedCertificate | None:
        """Return the certificate that was got last; None where there is none yet.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await self._read(_CERTIFICATE)
        return IssuedCertificate(stored["chain"], stored["key"]) if stored else None

    async def put_certificate(self, issued: IssuedCertificate) -> None:
        """Share a certificate.

        Raises:
            Refusal: `bus-unavailable`.
        """
        document = {"chain": issued.chain, "key": issued.key}
        await buckets.write(self._bucket, _CERTIFICATE, self._sealed(_CERTIFICATE, document))

    async def put_challenge(self, challenge: Challenge) -> None:
        """Share what the authority will fetch.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await buckets.write(self._bucket, f"challenge.{challenge.token}", {"validation": challenge.validation})

    async def validation(self, token: str) -> str | None:
        """Return what the authority shall find under a token; None where there is no such challenge.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored = await buckets.read(self._bucket, f"challenge.{token}")
        return str(stored.document["validation"]) if stored else None

    async def forget_challenge(self, token: str) -> None:
        """Delete a challenge that is over.

        Raises:
            Refusal: `bus-unavailable`.
        """
        await buckets.delete(self._bucket, f"challenge.{token}")

    async def take_turn(self, gateway: str) -> bool:
        """Tell whether it is this gateway's turn to renew: nobody else's, or that one is gone.

        Raises:
            Refusal: `bus-unavailable`.
        """
        stored, now = await buckets.read(self._bucket, _LEASE), time.time()
        if stored and stored.document["until"] > now and stored.document["gateway"] != gateway:
            return False
        lease = {"gateway": gateway, "until": now + LEASE_SECONDS}
        return await buckets.replace(self._bucket, _LEASE, lease, stored.revision if stored else 0)

    async def _read(self, key: str) -> dict[str, Any] | None:
        stored = await buckets.read(self._bucket, key)
        if stored is None:
            return None
        try:
            opened = self._cipher.decrypt(f"{BUCKET}.{key}", bytes.fromhex(stored.document["sealed"]))
        except (UnreadablePayloadError, KeyError, ValueError):
            return None  # it is got anew
        document: dict[str, Any] = orjson.loads(opened)
        return document

    def _sealed(self, key: str, document: Mapping[str, Any]) -> dict[str, str]:
        return {"sealed": self._cipher.encrypt(f"{BUCKET}.{key}", orjson.dumps(document)).hex()}
