"""The context of what the exchange does by itself, not for a call."""

import time
import uuid

from lgsp_adapters.adapter import Call
from lgsp_contracts.wire import Context

SECONDS = 60.0


def own_call(seconds: float = SECONDS) -> Call:
    """Make a context with a deadline of its own."""
    deadline = int((time.time() + seconds) * 1000)
    return Call(Context(str(uuid.uuid4()), "", "", "", "", deadline, ""))
