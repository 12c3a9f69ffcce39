"""The variables of a mapping before the system has answered."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lgsp_adapters.adapter import Call, Document
from lgsp_adapters.mapping.dates import VIETNAM
from lgsp_adapters.mapping.expressions import Scope, normalized

REQUEST_VARIABLES = ("connection", "request", "call", "now", "session")

FIELDS = {
    "call": ("message", "consumer", "agency", "purpose", "key"),
    "now": ("milliseconds", "iso", "local", "date"),
}
"""What the variables hold whose fields are the same in every call."""


def request_scope(connection: Mapping[str, Any], request: Document, call: Call) -> Scope:
    """Make the variables `connection`, `request`, `call` (who asks), `now`, and `session`, which a login fills."""
    context = call.context
    return {
        "connection": connection,
        "request": normalized(request),
        "call": {
            "message": context.message,
            "consumer": context.consumer,
            "agency": context.agency,
            "purpose": context.purpose,
            "key": context.key or None,
        },
        "now": instant_variables(),
        "session": {},
    }


def instant_variables() -> dict[str, str]:
    """Make the variable `now`: one instant, for all expressions of a request."""
    now = time.time()
    return {
        "milliseconds": str(int(now * 1000)),
        "iso": datetime.fromtimestamp(now, UTC).isoformat(),
        "local": datetime.fromtimestamp(now, VIETNAM).isoformat(timespec="seconds"),
        "date": datetime.fromtimestamp(now, VIETNAM).date().isoformat(),
    }
