"""Holds the data of an event against its contract: in the event loop where that is quick for sure, else in another process."""

from typing import NamedTuple

from lgsp_contracts.contract import person_in
from lgsp_contracts.event import Event
from lgsp_contracts.message_checks import read_request, refusal_of_request, with_exact_numbers
from lgsp_gateway.document_workers.pool import DocumentWorkers


class CheckedData(NamedTuple):
    """What the bus reads in the data of an event.

    Args:
        person: the number of the person whom it is about; None where the contract names no such field.
        ordering_key: the value by which it is ordered; None where it waits for no other.
    """

    person: str | None
    ordering_key: str | None


async def check_data(workers: DocumentWorkers, publisher: str, event: Event, data: bytes) -> CheckedData:
    """Hold the data of an event against its contract.

    Raises:
        Refusal: `malformed`, `secret-document`, `contract-violation`, `too-large`.
    """
    schema = event.data
    if len(data) <= schema.light_bytes or schema.effort.is_light(data):
        document = read_request(event.limits, data)
        measured = with_exact_numbers(document, data) if schema.needs_exact_numbers else document
        if schema.is_valid(measured):
            return CheckedData(person_in(document, event.subject), event.ordering_key_of(document))
        if schema.effort.explains_at_once(data):
            raise refusal_of_request(schema, measured)
    return CheckedData(*await workers.person_and_ordering_key(publisher, event, data))
