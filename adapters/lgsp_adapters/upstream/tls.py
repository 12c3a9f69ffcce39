"""TLS to a system, as the manifest says under `tls`: paths of PEM files, relative to the manifest.

Without it the machine's own authorities are trusted. There is no switch that turns verification off: a self-signed
certificate is named as `ca`.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path

from lgsp_contracts.source_location import SourceLocation
from lgsp_problems import Refusal


def context(document: Mapping[str, str], folder: Path, location: SourceLocation) -> ssl.SSLContext | None:
    """Make the TLS context of `{ca, certificate, key}`, or None where nothing is given.

    Raises:
        Refusal: `invalid-document`, when a file cannot be used.
    """
    if not document:
        return None
    files = {name: folder / path for name, path in document.items()}
    tls_context = ssl.create_default_context()
    try:
        if "ca" in files:
            tls_context.load_verify_locations(files["ca"])
        if "certificate" in files:
            tls_context.load_cert_chain(files["certificate"], files.get("key"))
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(map(str, files.values()))
        raise Refusal(
            "invalid-document",
            vi=f"{location}: không dùng được {names}: {error}; hãy kiểm tra đường dẫn và định dạng PEM.",
            en=f"{location}: cannot use {names}: {error}; check the paths and that they are PEM.",
        ) from error
    return tls_context
