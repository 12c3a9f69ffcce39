"""The type of an error that nats-py reports as text.

While it connects, nats-py (2.16) passes on what the server says as a plain `nats.errors.Error` whose text is the server's, and it knows
a type for one of the server's authorization errors only, once connected. This is the one place that reads such a text;
`tests/faults/test_nats_credentials.py` compares it with the real server.
"""

from nats.errors import AuthorizationError as ConnectedAuthorizationError
from nats.errors import Error as NatsError

from lgsp_runtime.nats.protocol import AuthorizationError, PermissionsError, ServerError, server_error

_PREFIX = "nats: "


def with_type(error: Exception) -> Exception:
    """Return an error of nats-py as the type that says what the server meant.

    Args:
        error: as nats-py gives it to its error callback, or raises it.

    Returns:
        `AuthorizationError` or `PermissionsError`, whose cause is the error that was given; any other error as it is.
    """
    if isinstance(error, ConnectedAuthorizationError):
        typed: ServerError = AuthorizationError("authorization violation")
    elif type(error) is NatsError and str(error).startswith(_PREFIX):
        typed = server_error(f"-ERR {str(error).removeprefix(_PREFIX)}".encode())
    else:
        return error
    if not isinstance(typed, (AuthorizationError, PermissionsError)):
        return error
    typed.__cause__ = error
    return typed
