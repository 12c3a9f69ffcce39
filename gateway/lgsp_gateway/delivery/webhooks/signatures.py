"""The signature headers of a webhook, as Standard Webhooks has them (https://www.standardwebhooks.com).

The library signs; what stands here is that each secret that counts now signs, so that a receiver verifies with the former one until it
knows the new one. The library knows the symmetric scheme `v1` (HMAC-SHA256) alone, not the asymmetric `v1a` (Ed25519).
"""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from standardwebhooks import Webhook

from lgsp_gateway.delivery.webhooks.endpoint import Secret

SECRET_BYTES = 32
_PREFIX = "whsec_"


def new_secret_value() -> str:
    """Return a new random secret, `whsec_…`."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature_headers(
    endpoint_secrets: tuple[Secret, ...], message_id: str, body: str, now: float
) -> Mapping[str, str]:
    """Return the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of a request.

    Args:
        endpoint_secrets: each that counts now signs.
        message_id: the same in each attempt.
        body: exactly as it is sent, in UTF-8.
        now: seconds since 1970.
    """
    moment = datetime.fromtimestamp(int(now), UTC)
    signatures = [_signer(one.value).sign(message_id, moment, body) for one in endpoint_secrets if one.signs(now)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(signatures),
    }


@lru_cache(maxsize=1024)
def _signer(value: str) -> Webhook:
    return Webhook(value)
