"""Files of verifier keys: how an auditor says whose signatures count."""

from pathlib import Path

from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_problems import NotFound, Refusal


def read_keys(file: Path) -> list[VerifierKey]:
    """Read the verifier keys in a file: at least one, one a line (C2SP `signed-note`).

    Raises:
        Refusal: `not-found`, when the file cannot be read; `malformed`, when a line is no key or there is none.
    """
    try:
        lines = file.read_bytes().decode(errors="replace").splitlines()
    except OSError as error:
        raise NotFound(
            vi=f"Không đọc được {file}: {error.strerror}; hãy kiểm tra đường dẫn.",
            en=f"Cannot read {file}: {error.strerror}; check the path.",
        ) from error
    keys = [VerifierKey.parse(line) for line in lines if line.strip()]
    if not keys:
        raise Refusal("malformed", vi=f"{file} không có khóa nào.", en=f"{file} holds no key; name the right file.")
    return keys
