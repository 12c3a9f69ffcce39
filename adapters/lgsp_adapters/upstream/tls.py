"""TLS to a system, as the manifest says under `tls`: paths of PEM files, relative to the manifest.

Without it the machine's own authorities are believed. There is no switch that believes everybody: who has a self-signed
certificate names it as `ca`.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path

from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal


def context(document: Mapping[str, str], folder: Path, place: SourceLocation) -> ssl.SSLContext | None:
    """Make the TLS context of `{ca, certificate, key}`, or None where nothing is given.

    Raises:
        Refusal: `invalid-document`, when a file cannot be used.
    """
    if not document:
        return None
    files = {name: folder / path for name, path in document.items()}
    made = ssl.create_default_context()
    try:
        if "ca" in files:
            made.load_verify_locations(files["ca"])
        if "certificate" in files:
            made.load_cert_chain(files["certificate"], files.get("key"))
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(map(str, files.values()))
        raise Refusal(
            "invalid-document",
            vi=f"{place}: không dùng được {names}: {error}; hãy kiểm tra đường dẫn và định dạng PEM.",
            en=f"{place}: cannot use {names}: {error}; check the paths and that they are PEM.",
        ) from error
    return made
