"""How a system comes to call a service: whom its developer asks, and the grant that they request."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lgsp_contracts.contract import Contract
from lgsp_problems import Text

CONSUMER = "ten-he-thong"
"""A placeholder: the system that will call."""
PURPOSE = "giai-quyet-tthc"


@dataclass(frozen=True, slots=True)
class ServiceAccess:
    """Who provides a service, and from when a grant on it may be requested.

    Args:
        agency: the code of the agency.
        title: of the agency.
        contact: `office`, `email`, `phone` and `url`, as far as the registry has them.
        valid_from, valid_until: the days (ISO 8601) of the sample request.
    """

    agency: str
    title: Text
    valid_from: str
    valid_until: str
    contact: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object, for a worker process."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ServiceAccess":
        """Read what `as_json` returned."""
        return cls(**{**document, "title": Text(**document["title"])})


def sample_request(contract: Contract, access: ServiceAccess) -> dict[str, Any]:
    """Return the document of a grant on all operations and events of a service, to be adapted and sent."""
    name = f"{CONSUMER}-{contract.service}"
    return {
        "apiVersion": "lgsp/v1",
        "kind": "Grant",
        "metadata": {"name": name},
        "spec": {
            "consumer": CONSUMER,
            "service": contract.service,
            "major": contract.major,
            "operations": {operation: {"fields": ["*"]} for operation in contract.operations},
            **({"events": {event: {"fields": ["*"]} for event in contract.events}} if contract.events else {}),
            "purposes": [PURPOSE],
            "legalBasis": "Điều …, Nghị định số …",
            "quota": {"requests": 600, "per": "minute"},
            "validFrom": access.valid_from,
            "validUntil": access.valid_until,
        },
    }
