"""Documents of the registry in files, as `lgsp apply` and `lgsp promote` take them."""

from pathlib import Path

from lgsp_contracts import documents
from lgsp_gateway.cli.registry_client import Document
from lgsp_gateway.registry.documents import from_contract
from lgsp_problems import NotFound


def read_documents(paths: list[Path]) -> list[Document]:
    """Read files and folders of documents; a contract of a catalogue becomes the service that it describes.

    Raises:
        Refusal: `not-found`, or `invalid-document` with its place.
    """
    documents_read: list[Document] = []
    for path in paths:
        if not path.exists():
            raise NotFound(vi=f"Không có {path}.", en=f"There is no {path}; name a file or a folder.")
        for where, document in documents.read_folder(path) if path.is_dir() else documents.read(path):
            bare = isinstance(document, dict) and "operations" in document
            wrapped = from_contract(document) if bare else document
            documents.check("registry", wrapped, where.name if bare else where)
            documents_read.append(wrapped)
    return documents_read
