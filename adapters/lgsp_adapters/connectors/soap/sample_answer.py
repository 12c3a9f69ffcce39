"""The variables that a SOAP answer in a file makes: an envelope with an answer or a fault, the answer's element alone, or the document as JSON."""

from typing import Any

from lgsp_adapters.connectors.soap import envelopes
from lgsp_adapters.connectors.soap.connector import message_formats
from lgsp_adapters.connectors.soap.faults import NO_FAULT, Fault
from lgsp_adapters.manifest import Manifest
from lgsp_adapters.mapping.parsing_functions import document_of
from lgsp_adapters.mapping.xml_documents import local_name, tree
from lgsp_adapters.upstream.response import Response


def variables(manifest: Manifest, operation: str, content: bytes, status: int) -> dict[str, Any]:
    """Make the variables of an answer, with the types of the WSDL where there is one.

    Raises:
        ValueError, MappingError, UpstreamFailed: it is none.
    """
    made = {"status": status, "answer": None, **NO_FAULT}
    response = Response(status, content)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
        return {**made, "answer": document_of(response.text().strip().lstrip("\ufeff"))}
    message_format = message_formats(manifest)[operation]
    root = tree(content)
    if local_name(root) != "Envelope":
        return {**made, "answer": message_format.read(root)}
    body = envelopes.read_body(response, message_format.version)
    if isinstance(body, Fault):
        return {**made, **body.variables()}
    return {**made, "answer": message_format.read(body)}
