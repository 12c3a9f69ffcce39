"""Secrets of webhook endpoints as they are stored."""

import secrets

from lgsp_gateway.delivery.webhooks.sealed_secrets import SealedSecrets
from lgsp_gateway.delivery.webhooks.signatures import new_secret_value


def test_only_the_key_opens_a_secret_and_only_for_its_endpoint() -> None:
    sealing, value = SealedSecrets(secrets.token_bytes(32)), new_secret_value()
    sealed = sealing.seal(value, "endpoint", "1")
    assert value.removeprefix("whsec_") not in sealed
    assert sealed != sealing.seal(value, "endpoint", "1")
    assert sealing.open(sealed, "endpoint", "1") == value
    for opened in (
        sealing.open(sealed, "another", "1"),
        sealing.open(sealed, "endpoint", "2"),
        SealedSecrets(secrets.token_bytes(32)).open(sealed, "endpoint", "1"),
        sealing.open(sealed[:-4], "endpoint", "1"),
        sealing.open("", "endpoint", "1"),
        sealing.open("không phải base64", "endpoint", "1"),
    ):
        assert opened is None
