"""Reads what a caller says of a call that may be carried out later: `Prefer: respond-async` (RFC 7240) and the headers that go with it."""

import re
from collections.abc import Sequence

from multidict import MultiMapping, istr

from lgsp_gateway.calls.model import Deferral

PREFER = istr("Prefer")
APPLIED = "Preference-Applied: respond-async"
_ORDERING_KEY, _PRIORITY, _CALLBACK = map(istr, ("Lgsp-Ordering-Key", "Lgsp-Priority", "Lgsp-Callback"))
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"')
_NAME = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=|;|$)")


def read_deferral(headers: MultiMapping[str]) -> Deferral | None:
    """Return what a head says of a call that may be carried out later; None where it says nothing of that."""
    names = (_ORDERING_KEY, _PRIORITY, _CALLBACK)
    if PREFER not in headers and not any(name in headers for name in names):
        return None
    deferral = Deferral(_prefers_async(headers.getall(PREFER, ())), *(headers.get(name, "") for name in names))
    return deferral if any(deferral) else None


def _prefers_async(fields: Sequence[str]) -> bool:
    """Tell whether one of the preferences is `respond-async`; whatever else is preferred is ignored, as the RFC demands."""
    preferences = (one for field in fields for one in _QUOTED.sub("", field).split(","))
    names = (_NAME.match(preference) for preference in preferences)
    return any(name is not None and name[1].lower() == "respond-async" for name in names)
