"""Between the contract's documents, what is stored, and edXML: pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from lgsp_adapters.adapter import Document
from lgsp_adapters.document_exchange.records import Message, Status
from lgsp_adapters.edxml.norm import BUSINESS_FIELDS
from lgsp_contracts.time_zone import VIETNAM

_OF_BUSINESS = ("nghiepVu", "lyDo", "capNhat", "thayThe", "nguoiXuLy", "hanhTrinh", "maTaiLieuGoc")
"""Fields of a message that are not fields of its document."""
_SEEN_BY_RECEIVERS = ("lyDo", "capNhat", "thayThe", "nguoiXuLy", "hanhTrinh")


def document_fields(request: Mapping[str, Any]) -> Document:
    """Return the fields of a document as it was sent."""
    return {name: value for name, value in request.items() if name != "doMat"}


def receivers_of(content: Mapping[str, Any]) -> list[str]:
    """List the codes of the receivers of a document, each once."""
    return list(dict.fromkeys(organ["maDinhDanh"] for organ in content["noiNhan"]))


def all_receivers(messages: Sequence[Message]) -> list[Document]:
    """List the receivers of a document, also those that an update added, each once."""
    sent = [message for message in messages if message.business != "THU_HOI"]
    return list({organ["maDinhDanh"]: organ for message in sent for organ in message.content["noiNhan"]}.values())


def recall(original: Mapping[str, Any], organs: Sequence[Any], request: Mapping[str, Any]) -> Document:
    """Make the message that recalls a document: its header, without its attachments."""
    header = {name: value for name, value in original.items() if name not in (*_OF_BUSINESS, "tepDinhKem")}
    return {**header, "noiNhan": list(organs), **_business("THU_HOI", original["maTaiLieu"], request)}


def update(request: Mapping[str, Any]) -> Document:
    """Make the message that updates a document."""
    changes = request.get("thayDoiNoiNhan", [])
    about = {"noiDung": True, "noiNhan": bool(changes), **({"thayDoiNoiNhan": changes} if changes else {})}
    content = document_fields(request["vanBan"])
    return {**content, **_business("CAP_NHAT", content["maTaiLieu"], request), "capNhat": about}


def replacement(request: Mapping[str, Any]) -> Document:
    """Make the message that replaces documents."""
    content = document_fields(request["vanBan"])
    return {**content, **_business("THAY_THE", "", request), "thayThe": request["thayThe"]}


def canonical(content: Mapping[str, Any]) -> str:
    """Return a message as text, the same whatever the order of its fields."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def event_id(message: Message, receiver: str) -> str:
    """Return the id of the event of a delivery: the same each time it is published."""
    return f"{message.id}/{receiver}"


def summary(message: Message, receiver: str) -> Document:
    """Return what the event of a delivery and the list of received messages say."""
    return {
        "maThongDiep": message.id,
        "maTaiLieu": message.document,
        "nghiepVu": message.business,
        "coQuanGui": message.sender,
        "coQuanNhan": receiver,
        "duongDi": message.route,
        "thoiDiem": iso_time(message.time),
    }


def status_event(status: Status) -> Document:
    """Return the data of the event of a status."""
    return {
        **({"maThongDiep": status.message} if status.message else {}),
        "maTaiLieu": status.document,
        "coQuanGui": status.owner,
        "coQuanBao": status.reporter,
        "trangThai": status.status,
        "thoiDiem": iso_time(status.time),
    }


def answer(message: Message, statuses: Sequence[Status]) -> Document:
    """Return a message with its document and what was reported of it."""
    content = message.content
    document = {
        name: value for name, value in content.items() if name not in (*_OF_BUSINESS, "banGoc", *BUSINESS_NAMES)
    }
    return {
        "maThongDiep": message.id,
        "nghiepVu": message.business,
        "thoiDiem": iso_time(message.time),
        **{name: content[name] for name in (*_SEEN_BY_RECEIVERS, "banGoc") if name in content},
        "vanBan": document,
        "trangThai": [
            {
                "maDinhDanh": status.reporter,
                "trangThai": status.status,
                "thoiDiem": iso_time(status.time),
                **{name: status.content[name] for name in ("dienGiai", "nguoiXuLy") if name in status.content},
            }
            for status in statuses
        ],
    }


def iso_time(seconds: float) -> str:
    """Write a time by RFC 3339, in Vietnam's zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(VIETNAM).isoformat(timespec="milliseconds")


def _business(name: str, original: str, request: Mapping[str, Any]) -> Document:
    fields = {"nghiepVu": name, "lyDo": request["lyDo"]}
    if original:
        fields["maTaiLieuGoc"] = original
    return {**fields, **({"nguoiXuLy": request["nguoiXuLy"]} if "nguoiXuLy" in request else {})}


BUSINESS_NAMES = frozenset(field.name for field in BUSINESS_FIELDS.values() if hasattr(field, "name")) - {"coBanGiay"}
