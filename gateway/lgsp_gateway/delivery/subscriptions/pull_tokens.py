"""What a worker of a pull subscription is given with an event, and acknowledges it by.

A token is encrypted by the key that encrypts what is stored, so no one but a gateway makes one: what is acknowledged was handed out. Each gateway
reads those of the others.
"""

import base64
import binascii
from typing import NamedTuple

from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher, UnreadablePayloadError

MAX_DIGITS = 18
"""Of a number in a token: what tokens say passes from gateway to gateway in numbers of 64 bits."""
_CONTEXT = "pull-token"


class Token(NamedTuple):
    """Names one handing out of one event to a worker; worth something with its own subscription alone, until that is replayed.

    Args:
        generation: of the subscription (`Subscription.generation`).
        nonce: of the handing out. A worker that is late acknowledges with it all the same, since the work was done; it does not give back what
            another worker has by now.
    """

    subscription: str
    generation: int
    position: int
    nonce: str


class PullTokens:
    """Makes tokens, and reads what workers send.

    Args:
        cipher: of this bus.
    """

    def __init__(self, cipher: PayloadCipher) -> None:
        self._cipher = cipher

    def encode(self, token: Token) -> str:
        """Return a token as workers get it."""
        sealed = self._cipher.encrypt(_CONTEXT, ":".join(map(str, token)).encode())
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def decode(self, text: str) -> Token | None:
        """Read what a worker sends; None where no gateway of this bus has made it, or its key is not there any more."""
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            opened = self._cipher.decrypt(_CONTEXT, sealed).decode()
            subscription, generation, position, nonce = opened.split(":")
        except (binascii.Error, ValueError, UnreadablePayloadError):  # UnicodeError is a ValueError
            return None
        if max(len(generation), len(position)) > MAX_DIGITS:
            return None
        return Token(subscription, int(generation), int(position), nonce)
