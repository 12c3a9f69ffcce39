"""Errors of drivers as failures of a system: refused, late, unreachable, or values that cannot be carried."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lgsp_adapters.adapter import UpstreamFailed, UpstreamLate
from lgsp_adapters.connectors.sql.databases import Database
from lgsp_adapters.connectors.sql.sqlstate import DatabaseRefusal, describe_error
from lgsp_adapters.errors import AdapterError


class RefusedByDatabase(AdapterError):  # noqa: N818 - an adjective names it best
    """The database refuses a statement; a manifest may name an error for it."""

    def __init__(self, refusal: DatabaseRefusal) -> None:
        super().__init__(refusal.note)
        self.refusal = refusal


@contextmanager
def translated_errors(database: Database) -> Iterator[None]:
    """Raise what a driver raises as errors of the adapter.

    Raises:
        RefusedByDatabase: the database refuses a statement, or the connection.
        UpstreamLate: the deadline has passed.
        UpstreamFailed: the driver fails in another way, or cannot carry a value.
    """
    try:
        yield
    except (TimeoutError, UpstreamLate) as error:
        raise UpstreamLate from error
    except DBAPIError as error:
        if database.timed_out(error):
            raise UpstreamLate from error
        raise RefusedByDatabase(describe_error(error, database.kind)) from error
    except (SQLAlchemyError, database.driver_error) as error:
        raise UpstreamFailed("broken", type(error).__name__, upstream_message=str(error)) from error
    except OSError as error:
        raise UpstreamFailed("unreachable", type(error).__name__, upstream_message=str(error)) from error
    except (ValueError, ArithmeticError, TypeError) as error:  # the driver's, of a value that it cannot make
        raise UpstreamFailed(
            "unintelligible",
            f"the driver cannot carry a value ({type(error).__name__}); CAST it to text",
            upstream_message=str(error),
        ) from error
