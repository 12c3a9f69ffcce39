"""Principals: a system, or a person in a role, possibly through a system.

Authorization, approvals, the registry's history and the logs identify a principal by the same text, so that a person's actions can
be found in all of them. A person is identified only by an opaque id: names and numbers are stored where they can be deleted
(`lgsp_gateway.sessions`), never in records that are kept for ever.
"""

from dataclasses import dataclass

from lgsp_problems import Text

OPERATOR = "operator"
"""The role of those who run the bus."""
_PERSON = "person/"
"""The prefix of a person's id among names of systems, which contain no slash."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller of the management API.

    Args:
        agency: the electronic identification code of the agency that it acts for.
        roles: its roles on the bus itself.
        system: the system that acts, or the one that a person acts through; empty where a person uses none.
        person: the opaque id of the person who acts; empty where a system acts by itself.
        keys_registered_by: for a system, the ids of the persons who registered a key or the secret that it has now, and
            may know it.
        stands_in_for: the opaque id of the absent approver whose deputy the person acts as; empty where they act for
            themselves.
    """

    agency: str
    roles: frozenset[str]
    system: str = ""
    person: str = ""
    keys_registered_by: frozenset[str] = frozenset()
    stands_in_for: str = ""

    def __str__(self) -> str:
        """Return the text that histories and logs contain: `mot-cua`, `person/p-…`, or `person/p-…@mot-cua`."""
        return f"{self.name}@{self.system}" if self.person and self.system else self.name

    @property
    def name(self) -> str:
        """Return who acts, whichever system a person uses: a system's name, or `person/` and a person's id."""
        return person_name(self.person) if self.person else self.system

    @property
    def own_system(self) -> str:
        """Return the system that acts by itself; empty where a person acts, through whichever system."""
        return "" if self.person else self.system

    @property
    def accountable(self) -> frozenset[str]:
        """Return the names of all who may be behind it: the person, and the approver in whose place they act; or the system
        and whoever registered a key of it.

        Four-eyes approval needs two principals that have none of these names in common.
        """
        if self.person:
            return frozenset(person_name(one) for one in (self.person, self.stands_in_for) if one)
        return frozenset({self.name, *map(person_name, self.keys_registered_by)})

    @property
    def is_accountable_person(self) -> bool:
        """Tell whether a person is accountable."""
        return any(map(is_person, self.accountable))

    def is_system(self, name: str) -> bool:
        """Tell whether it is the system of this name, acting by itself."""
        return not self.person and self.system == name

    def has_role(self, *roles: str) -> bool:
        """Tell whether it has one of these roles."""
        return not self.roles.isdisjoint(roles)

    def described(self) -> Text:
        """Describe it for the beginning of a sentence, in both languages."""
        if self.person:
            return Text(f"Người dùng {self.person}", f"Person {self.person}")
        return Text(f"Hệ thống {self.system}", f"System {self.system}")


def caller_name(system: str, officer: str) -> str:
    """Return who calls, as histories and logs contain it: a system, or an officer through the form system of an agency.

    Args:
        officer: the opaque id; "" where the system calls by itself.
    """
    return f"{person_name(officer)}@{system}" if officer else system


def person_name(person: str) -> str:
    """Return the name of a person among names of systems.

    Args:
        person: the person's opaque id.
    """
    return f"{_PERSON}{person}"


def is_person(name: str) -> bool:
    """Tell whether the name of a principal is that of a person."""
    return name.startswith(_PERSON)
