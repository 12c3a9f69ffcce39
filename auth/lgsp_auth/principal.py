"""Who acts on the bus: a system, or a person in a role, perhaps through a system.

Authorization, approvals, the registry's history and the logs all name the same thing by the same text, so that what a
person did is found again wherever it was written down. A person is known by an opaque id alone: names and numbers stand
where they can be deleted (`lgsp_gateway.sessions`), never in what is kept for ever.
"""

from dataclasses import dataclass

from lgsp_problems import Text

_PERSON = "person/"
"""What a person's id follows where it is named beside systems; no name of a system has a slash."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller of the management API.

    Args:
        agency: the electronic identification code of the agency that it acts for.
        roles: what it may do on the bus itself.
        system: the system that acts, or the one that a person acts through; empty where a person uses none.
        person: the opaque id of the person who acts; empty where a system acts by itself.
        keys_registered_by: of a system, the id of the person who registered its present keys, and may know them; empty
            where no person did.
    """

    agency: str
    roles: frozenset[str]
    system: str = ""
    person: str = ""
    keys_registered_by: str = ""

    def __str__(self) -> str:
        """The text by which histories and logs name it: `mot-cua`, `person/p-…`, or `person/p-…@mot-cua`."""
        return f"{self.name}@{self.system}" if self.person and self.system else self.name

    @property
    def name(self) -> str:
        """Who acts, whichever system a person uses: a system's name, or `person/` and a person's id."""
        return person_name(self.person) if self.person else self.system

    @property
    def accountable(self) -> str:
        """Who answers for what is done: the person, or the person who registered the system's keys, or the system.

        Two principals with the same one are one pair of eyes.
        """
        person = self.person or self.keys_registered_by
        return person_name(person) if person else self.system

    @property
    def is_accountable_person(self) -> bool:
        """Tell whether a person answers for what is done."""
        return is_person(self.accountable)

    def has_role(self, *roles: str) -> bool:
        """Tell whether it holds one of some roles."""
        return not self.roles.isdisjoint(roles)

    def described(self) -> Text:
        """Name it at the beginning of a sentence, in both languages."""
        if self.person:
            return Text(f"Người dùng {self.person}", f"Person {self.person}")
        return Text(f"Hệ thống {self.system}", f"System {self.system}")


def person_name(person: str) -> str:
    """The text by which a person is named beside systems.

    Args:
        person: the person's opaque id.
    """
    return f"{_PERSON}{person}"


def is_person(name: str) -> bool:
    """Tell whether a name of a principal is a person's."""
    return name.startswith(_PERSON)
