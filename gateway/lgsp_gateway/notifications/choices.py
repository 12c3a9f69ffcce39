"""What a person wants to be told of, and where. It is theirs, and can be deleted: it stands in the bucket of people, not in the registry."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lgsp_problems import Language

Kind = Literal["requests", "expiring", "suspensions", "dead-letters", "health", "citizen-requests"]
Channel = Literal["email", "webhook"]

KINDS: tuple[Kind, ...] = ("requests", "expiring", "suspensions", "dead-letters", "health", "citizen-requests")
CHANNELS: tuple[Channel, ...] = ("email", "webhook")
_WORD = "[0-9A-Za-z_+'-]+"
_LABEL = "[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?"
EMAIL_PATTERN = rf"^$|^{_WORD}(\.{_WORD})*@{_LABEL}(\.{_LABEL})*$"
"""One address in the one spelling that every mail program reads alike: no list, group, comment, quoted or encoded word."""
MAX_EMAIL = 254
MAX_URL = 2000


@dataclass(frozen=True, slots=True)
class Choices:
    """What one person has chosen.

    Args:
        kinds: what they want to be told of.
        language: that they read.
        email: their address; empty for no mail.
        webhook: the URL that receives; empty for none.
        secret: that signs webhooks, sealed (`delivery.webhooks.sealed_secrets`).
    """

    kinds: tuple[Kind, ...] = ()
    language: Language = "vi"
    email: str = ""
    webhook: str = ""
    secret: str = ""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Choices":
        """Read choices as they are stored."""
        kinds = tuple(kind for kind in KINDS if kind in document.get("kinds", ()))
        texts = {name: str(document.get(name, "")) for name in ("email", "webhook", "secret")}
        return cls(kinds, "en" if document.get("language") == "en" else "vi", **texts)

    def document(self) -> dict[str, Any]:
        """Return them as they are stored."""
        return {**asdict(self), "kinds": list(self.kinds)}

    def address(self, channel: Channel) -> str:
        """Return where to send by a channel; empty for nowhere."""
        return self.email if channel == "email" else self.webhook
