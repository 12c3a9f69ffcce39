"""Which messages a caller of the management API sees, and what of them.

Who runs the bus, and who audits it, see all messages; everybody else with a role sees those of their own agency, from one of two sides:
what its systems asked for, and what the services of its systems were asked. The persons whom messages are about are for auditors alone,
even as pseudonyms: whoever sees the same pseudonym twice learns that two agencies asked about one person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lgsp_auth.principal import Principal
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.evidence.search.models import Search
from lgsp_gateway.http.parameter_types import choice_parameter
from lgsp_gateway.http.route_access import list_right
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

READ_MESSAGES = list_right("Message")

SIDES = ("consumer", "provider")
SIDE = choice_parameter(
    "side",
    "for those who see the messages of their own agency alone: what its systems asked for, or what its services were asked",
    SIDES,
    "consumer",
)

_PERSONS = ("subject", "onBehalfOf", "orderingKey")
"""Fields of an entry that hold the pseudonym of a person."""


@dataclass(frozen=True, slots=True)
class MessageScope:
    """What one caller sees.

    Args:
        agency: of the caller.
        sees_all: whether it sees the messages of all agencies.
        sees_persons: whether it sees whom they are about.
    """

    agency: str
    sees_all: bool
    sees_persons: bool

    @classmethod
    def of(cls, caller: Principal) -> "MessageScope":
        """Return the scope of a caller that has the right `READ_MESSAGES`."""
        sees_all = any(READ_MESSAGES.scope(role) == "any" for role in caller.roles)
        return cls(caller.agency, sees_all, caller.has_role(AUDITOR))

    def restrict(self, search: Search, side: str, registry: RegistrySnapshot) -> Search | None:
        """Return a search for what the caller sees among what another one asks for; None where that is nothing.

        Args:
            side: one of `SIDES`.

        Raises:
            Refusal: `not-granted`, when it asks for a person and the caller sees none.
        """
        if "subject" in search.exact and not self.sees_persons:
            raise Refusal(
                "not-granted",
                vi="Chỉ người có vai trò kiểm toán (auditor) tìm được theo người; hãy bỏ số của người đó ra, hoặc nhờ kiểm toán viên.",
                en="Only somebody with the role auditor searches by person; leave the person's number out, or ask an auditor.",
            )
        if self.sees_all:
            return search
        if side == "consumer":
            if search.exact.get("agency", self.agency) != self.agency:
                return None
            return replace(search, exact={**search.exact, "agency": self.agency})
        return replace(search, providers=frozenset(registry.index["System"].names("agency", self.agency)))

    def visible(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return an entry as the caller sees it."""
        if self.sees_persons:
            return dict(entry)
        return {**entry, **{name: "" for name in _PERSONS if name in entry}}
