"""What the exchange keeps: messages with their deliveries and files, and statuses."""

from dataclasses import dataclass
from typing import Literal

from lgsp_adapters.adapter import Document

Route = Literal["TRUC_TINH", "TRUC_QUOC_GIA"]
PROVINCE: Route = "TRUC_TINH"
AXIS: Route = "TRUC_QUOC_GIA"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An attachment of a message.

    Args:
        number: of the attachment in the document, from 1; 0 for the edXML as it came from the axis.
        reference: of the file of the bus that it was last.
        time: when that was stored, in seconds since 1970.
    """

    number: int
    reference: str
    time: float
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the exchange.

    Args:
        id: a UUID.
        document: the id of the document that it is about, as its sender gave it.
        business: MOI, THU_HOI, CAP_NHAT or THAY_THE.
        sender: the code of the agency.
        route: by which it came.
        time: seconds since 1970.
        key: the same for each attempt to send it.
        content: fields of the contract.
        receivers: their codes and routes.
        axis_id: what the axis calls it, where it went or came that way.
    """

    id: str
    document: str
    business: str
    sender: str
    route: Route
    time: float
    key: str
    content: Document
    receivers: tuple[tuple[str, Route], ...]
    axis_id: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a document that an agency reported.

    Args:
        message: that brought the document; empty where it is not known here.
        owner: the agency that sent the document.
        axis_id: what the axis calls it, where it went or came that way.
    """

    id: str
    message: str
    document: str
    owner: str
    reporter: str
    status: str
    time: float
    content: Document
    axis_id: str = ""


@dataclass(frozen=True, slots=True)
class SetAside:
    """What was tried several times, is tried only now and then, and waits for a person.

    Args:
        count: of messages and statuses.
        since: of the oldest one, in seconds since 1970; 0 where there is none.
        reason: of that one, without a value of a document.
    """

    count: int = 0
    since: float = 0.0
    reason: str = ""
