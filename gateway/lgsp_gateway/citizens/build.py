"""Opens the requests of citizens of a gateway."""

from collections.abc import Callable
from typing import Final

from lgsp_gateway.citizens.checks import HealthChecks, checks_of
from lgsp_gateway.citizens.request_store import RequestStore
from lgsp_gateway.config import GatewaySettings
from lgsp_gateway.delivery.storage.payload_cipher import PayloadCipher
from lgsp_gateway.evidence.pseudonyms import Pseudonyms
from lgsp_gateway.sessions.store import PeopleStore
from lgsp_runtime.background import Background

ROUND_SECONDS: Final = 3600.0
"""How often requests whose time is over are looked for."""
LOOK_SECONDS: Final = 600.0
"""How often requests that cannot be read are looked for."""
ROUND_LIMIT: Final = 600.0
"""Seconds that a round may take."""


def create_citizen_requests(
    settings: GatewaySettings, people: PeopleStore, cipher: PayloadCipher, pseudonyms: Pseudonyms
) -> RequestStore:
    """Put the parts together; nothing is started.

    Args:
        people: in whose bucket they are kept.
    """
    return RequestStore(
        people,
        cipher,
        lambda citizen: pseudonyms.of(f"requests of {citizen}"),
        working_days=settings.citizen_request_days,
        kept_days=settings.citizen_requests_kept_days,
    )


def open_citizen_requests(
    settings: GatewaySettings,
    people: PeopleStore,
    cipher: PayloadCipher,
    pseudonyms: Pseudonyms,
    add_checks: Callable[[HealthChecks], None],
    background: Background,
) -> RequestStore:
    """Open the requests of citizens; from now on, forget those whose time is over, and look for those that cannot be read.

    Args:
        people: the open store, in whose bucket they are kept.
        add_checks: has health checks run from now on.
    """
    store = create_citizen_requests(settings, people, cipher, pseudonyms)
    background.run_every("requests of citizens", ROUND_SECONDS, store.forget_old, within=ROUND_LIMIT, at_once=False)
    look, name = store.look_over, "requests of citizens that cannot be read"
    background.run_every(name, LOOK_SECONDS, look, within=ROUND_LIMIT, at_once=False)
    add_checks(checks_of(store))
    return store
