"""Secrets of webhook endpoints as they are stored."""

import os
import secrets
from pathlib import Path

from lgsp_gateway.delivery.webhooks.sealed_secrets import SealedSecrets
from lgsp_gateway.delivery.webhooks.signatures import new_secret_value
from lgsp_gateway.keys.key_store import KeyStore


def _sealing(*keys: bytes) -> SealedSecrets:
    return SealedSecrets(lambda: keys)


def test_only_the_key_opens_a_secret_and_only_for_its_endpoint() -> None:
    sealing, value = _sealing(secrets.token_bytes(32)), new_secret_value()
    sealed = sealing.seal(value, "endpoint", "1")
    assert value.removeprefix("whsec_") not in sealed
    assert sealed != sealing.seal(value, "endpoint", "1")
    assert sealing.open(sealed, "endpoint", "1") == value
    for opened in (
        sealing.open(sealed, "another", "1"),
        sealing.open(sealed, "endpoint", "2"),
        _sealing(secrets.token_bytes(32)).open(sealed, "endpoint", "1"),
        sealing.open(sealed[:-4], "endpoint", "1"),
        sealing.open("", "endpoint", "1"),
        sealing.open("không phải base64", "endpoint", "1"),
    ):
        assert opened is None


def test_a_rotated_key_seals_when_every_gateway_can_have_it_and_the_former_one_still_opens(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path)
    keys.ensure()
    one, other = SealedSecrets(keys.webhook_keys), SealedSecrets(keys.webhook_keys)
    before, former = one.seal("v", "endpoint", "1"), keys.webhook_keys()[0]
    name = keys.rotate_webhook_key()
    assert keys.webhook_keys()[0] == former
    os.utime(tmp_path / name, (0, 0))
    after = one.seal("w", "endpoint", "1")
    assert _sealing(former).open(after, "endpoint", "1") is None
    for sealing in (one, other):
        assert sealing.open(before, "endpoint", "1") == "v"
        assert sealing.open(after, "endpoint", "1") == "w"
    assert keys.rotate_webhook_key() == "webhook-secrets-3.key"
