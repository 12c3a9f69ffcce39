"""The form system of each agency: the consumer of the grants that let officers of the agency call by forms.

It is made with the agency and is no document: so every agency has one, nothing has to be kept in step with it, and nobody can give it a
key, a secret or a role. No token is ever issued for it, and none of another issuer counts for it, since tokens are of registered
systems alone. What its officers do stands in the evidence under its name, beside the officer.
"""

import re

from lgsp_auth.client_authentication import Client
from lgsp_gateway.registry.indexed_documents import System
from lgsp_problems import Text

PREFIX = "forms-"
_NAME = re.compile(r"forms-[a-z][0-9]{2}(-[0-9]{1,3}){0,3}")


def form_system_name(agency: str) -> str:
    """Return the name of the form system of an agency: `forms-h49-12` for `H49.12`. No two codes give the same."""
    return PREFIX + agency.lower().replace(".", "-")


def is_form_system_name(name: str) -> bool:
    """Tell whether a name is that of the form system of some agency, which may not be there yet."""
    return _NAME.fullmatch(name) is not None


def agency_of_form_system(name: str) -> str:
    """Return the code of the agency whose form system has this name.

    Args:
        name: one that `is_form_system_name` says is one.
    """
    return name.removeprefix(PREFIX).upper().replace("-", ".")


def form_system(agency: str, title: Text) -> System:
    """Return the form system of an agency.

    Args:
        agency: its code.
        title: of the agency.
    """
    name = form_system_name(agency)
    described = Text(f"Biểu mẫu của {title.vi}", f"Forms of {title.en}")
    return System(name, agency, described, frozenset(), Client(name, (), "", 0))
