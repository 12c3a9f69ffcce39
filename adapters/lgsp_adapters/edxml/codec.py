"""From edXML to JSON documents in the words of the contract `documents`, and back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from lgsp_adapters.edxml.attachments import MAX_UNPACKED_BYTES, Attachment, pack, unpack
from lgsp_adapters.edxml.fields import Document, read_fields, write_fields
from lgsp_adapters.edxml.message import NAMESPACE, EdxmlMessage, InvalidEdxmlError, children, text_of
from lgsp_adapters.edxml.norm import BUSINESS_FIELDS, DOCUMENT, REFERENCE, STATUS_CODES, STATUS_FIELDS, TRACE
from lgsp_adapters.mapping.xml_element import XmlElement

MAX_ATTACHMENTS = 100
MAX_FILES = 500
"""Of all attachments of a message: each becomes a file of the bus, and a document of the contract carries at most 1,000."""
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document of edXML in JSON, and its attachments with their content.

    Args:
        fields: of the header and of the business; `tepDinhKem` describes the attachments, in the order of `attachments`.
    """

    fields: Document
    attachments: tuple[Attachment, ...]


def is_status(message: EdxmlMessage) -> bool:
    """Tell whether a message is the status of a document, and no document."""
    return bool(children(message.header(), "StatusCode"))


def read_document(message: EdxmlMessage) -> ReadDocument:
    """Read a document with its attachments.

    Raises:
        InvalidEdxmlError: a part that the norm requires is missing, or an attachment cannot be unpacked safely.
    """
    fields = read_header(message)
    business = next(message.named("Bussiness"), None)
    if business is None:
        raise InvalidEdxmlError("the message has no Bussiness")
    fields |= read_fields(business, BUSINESS_FIELDS)
    traces = [read_fields(trace, TRACE) for trace in message.named("TraceHeader")]
    if any(traces):
        fields["hanhTrinh"] = [trace for trace in traces if trace]
    missing = [name for name in ("noiGui", "noiNhan", "nghiepVu") if name not in fields]
    if missing:
        raise InvalidEdxmlError(f"the message lacks {', '.join(missing)}")
    attachments: list[Attachment] = []
    described: list[Document] = []
    left = MAX_UNPACKED_BYTES
    for description, content in _attachments(message):
        for file in unpack(content, description["ten"], left):
            left -= len(file.content)
            if len(attachments) == MAX_FILES:
                raise InvalidEdxmlError(f"the attachments of the message hold more than {MAX_FILES} files")
            attachments.append(file)
            described.append({**description, "ten": file.name})
    if described:
        fields["tepDinhKem"] = described
    return ReadDocument(fields, tuple(attachments))


def read_header(message: EdxmlMessage) -> Document:
    """Read the header of a document alone.

    Raises:
        InvalidEdxmlError: there is none.
    """
    return read_fields(message.header(), DOCUMENT)


def read_status(message: EdxmlMessage) -> Document:
    """Read the status of a document.

    Raises:
        InvalidEdxmlError: it does not say which status, of whom, or of which document.
    """
    fields = read_fields(message.header(), STATUS_FIELDS)
    missing = [name for name in ("traLoiCho", "noiGui", "trangThai") if name not in fields]
    if missing:
        raise InvalidEdxmlError(f"the status lacks {', '.join(missing)}")
    return fields


def write_document(fields: Mapping[str, Any], attachments: Sequence[Attachment] = ()) -> EdxmlMessage:
    """Write a document.

    Args:
        fields: as `read_document` returns them.
        attachments: the content of each of `tepDinhKem`.
    """
    root, header, body = _envelope()
    write_fields(_add(header, "MessageHeader"), DOCUMENT, fields)
    trace = _add(header, "TraceHeaderList")
    for step in fields.get("hanhTrinh", ()):
        write_fields(_add(trace, "TraceHeader"), TRACE, step)
    write_fields(_add(trace, "Bussiness"), BUSINESS_FIELDS, {"coBanGiay": False, **fields})
    described = fields.get("tepDinhKem", ())
    manifest = _add(body, "edXMLManifest")
    manifest.set("version", "1.0")
    encoded = _add(root, "AttachmentEncoded") if described else None
    for description, attachment in zip(described, attachments, strict=True):
        write_fields(_add(manifest, "Reference"), REFERENCE, description)
        if encoded is not None:
            element = _add(encoded, "Attachment")
            packed = {**description, "loaiNoiDung": "application/zip"}
            write_fields(element, {name: REFERENCE[name] for name in REFERENCE if name != "Description"}, packed)
            _add(element, "ContentTransferEncoded").text = pack(attachment)
    return EdxmlMessage(root, _DECLARATION)


def write_status(fields: Mapping[str, Any]) -> EdxmlMessage:
    """Write the status of a document; `fields` as `read_status` returns them."""
    root, header, _ = _envelope()
    element = _add(header, "MessageHeader")
    write_fields(element, STATUS_FIELDS, fields)
    for code in children(element, "StatusCode"):
        code.text = STATUS_CODES[fields["trangThai"]]
    return EdxmlMessage(root, _DECLARATION)


def _attachments(message: EdxmlMessage) -> Iterator[tuple[Document, str]]:
    """Yield the description of each attachment and its encoded content."""
    references = {}
    for reference in message.named("Reference"):
        fields = read_fields(reference, REFERENCE)
        references[fields.get("maNoiDung", "")] = fields
    for number, element in enumerate(message.named("Attachment")):
        if number >= MAX_ATTACHMENTS:
            raise InvalidEdxmlError(f"the message has more than {MAX_ATTACHMENTS} attachments")
        own = read_fields(element, REFERENCE)
        content = next(iter(children(element, "ContentTransferEncoded")), None)
        fields = {**own, "loaiNoiDung": "application/octet-stream", **references.get(own.get("maNoiDung", ""), {})}
        yield {"ten": "tep-dinh-kem", **fields}, "" if content is None else text_of(content)


def _envelope() -> tuple[XmlElement, XmlElement, XmlElement]:
    root = etree.fromstring(f'<edXML xmlns="{NAMESPACE}"/>')
    envelope = _add(root, "edXMLEnvelope")
    return root, _add(envelope, "edXMLHeader"), _add(envelope, "edXMLBody")


def _add(parent: XmlElement, tag: str) -> XmlElement:
    return etree.SubElement(parent, etree.QName(NAMESPACE, tag))
