"""The permissions of roles in the registry, as one table.

A system or a person has roles on the bus itself; calling services requires grants, not roles. `ANY` means every document of the
kind, `OWN` those of the caller's agency: the provider's agency for a service or a grant, the consumer's too for reading a grant,
the consumer's for requesting one; for a message, the agency that asked and the one whose service was asked. Anything that is not in the table is forbidden.
"""

from typing import Literal

Role = Literal["operator", "agency-admin", "integrator", "developer", "auditor", "officer"]
Action = Literal["read", "change", "request"]
Scope = Literal["any", "own"]

ANY: Scope = "any"
OWN: Scope = "own"

TABLE: dict[tuple[str, Action], dict[str, Scope]] = {
    # kind and action          operator         agency-admin         integrator         developer         auditor
    ("Instance", "read"): {"operator": ANY, "agency-admin": ANY, "integrator": ANY, "developer": ANY, "auditor": ANY},
    ("Instance", "change"): {"operator": ANY},
    ("Agency", "read"): {"operator": ANY, "agency-admin": ANY, "integrator": ANY, "developer": ANY, "auditor": ANY},
    ("Agency", "change"): {"operator": ANY},
    ("Purpose", "read"): {"operator": ANY, "agency-admin": ANY, "integrator": ANY, "developer": ANY, "auditor": ANY},
    ("Purpose", "change"): {"operator": ANY},
    ("Person", "read"): {"operator": ANY, "agency-admin": OWN, "auditor": ANY},
    ("Person", "change"): {"operator": ANY},
    ("System", "read"): {"operator": ANY, "agency-admin": OWN, "integrator": OWN, "developer": OWN, "auditor": ANY},
    ("System", "change"): {"operator": ANY, "agency-admin": OWN},
    ("Service", "read"): {"operator": ANY, "agency-admin": ANY, "integrator": ANY, "developer": OWN, "auditor": ANY},
    ("Service", "change"): {"operator": ANY, "agency-admin": OWN, "integrator": OWN},
    ("Grant", "read"): {"operator": ANY, "agency-admin": OWN, "integrator": OWN, "developer": OWN, "auditor": ANY},
    ("Grant", "request"): {"operator": ANY, "agency-admin": OWN, "developer": OWN},
    ("Grant", "change"): {"operator": ANY, "agency-admin": OWN},
    ("Message", "read"): {"operator": ANY, "agency-admin": OWN, "integrator": OWN, "developer": OWN, "auditor": ANY},
}

ROLES: tuple[Role, ...] = ("operator", "agency-admin", "integrator", "developer", "auditor")
"""The roles that a system or a person can have."""
OFFICER: Role = "officer"
"""The role of persons who use the forms that grants open to officers of their agency. It reaches no document of the registry."""


def allowed(roles: frozenset[str], agency: str, kind: str, action: Action, owners: frozenset[str]) -> bool:
    """Tell whether these roles allow an action on a document.

    Args:
        roles: the roles of the caller.
        agency: the agency of the caller.
        owners: the agencies that own the document."""
    scopes = {TABLE.get((kind, action), {}).get(role) for role in roles}
    return ANY in scopes or (OWN in scopes and agency in owners)
