"""What a system's bytes say, as documents that mappings see: JSON, or XML where the answer says that it is XML."""

from typing import Any

from lgsp_adapters.mapping.budget import BYTES, spend
from lgsp_adapters.mapping.parsing_functions import document_of
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_adapters.mapping.xml_documents import NotXmlError, document, tree
from lgsp_adapters.upstream.response import Response


def parse_document(answer: Response) -> Any:
    """Parse the document of a response with a good status; null for an empty one.

    Raises:
        UpstreamFailed: another status, or no document.
    """
    if not answer.is_success:
        raise answer.bad_status()
    try:
        return _read(answer)
    except (NotXmlError, MappingError) as error:
        raise answer.failed("unintelligible", str(error)) from error
    except ValueError as error:
        raise answer.failed("unintelligible", "the answer is not JSON") from error


def parse_document_or_none(answer: Response) -> Any:
    """Parse the document of a response; null where it is none, since errors often come as a page of HTML."""
    try:
        return _read(answer)
    except (ValueError, MappingError):
        return None


def _read(answer: Response) -> Any:
    xml = answer.media_type.endswith(("/xml", "+xml")) and answer.media_type != "application/xhtml+xml"
    if xml and answer.content.lstrip()[:1] not in (b"", b"{", b"["):  # some services say XML of their JSON
        return document(tree(answer.content, answer.charset))
    spend(len(answer.content) // BYTES)
    text = answer.text().strip()
    return document_of(text) if text else None
