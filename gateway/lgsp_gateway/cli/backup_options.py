"""The options of commands that open a backup."""

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from lgsp_gateway.evidence.verify.key_file import read_keys
from lgsp_gateway.evidence.verify.restored_origin import original_origin
from lgsp_problems import CannotStart


@Parameter(name="*")
@dataclass(frozen=True)
class BackupOptions:
    """What opens a backup, and what it is held against.

    Parameters
    ----------
    identity
        The file with the secret key of age that opens it (`lgsp backup keygen`).
    verifier_key
        A file with verifier keys of the logs, from an auditor or a witness (`lgsp evidence keys`): a backup that another key signed is refused.
    """

    identity: Path | None = None
    verifier_key: Path | None = None

    def publics(self) -> tuple[bytes, ...] | None:
        """Return the public keys of the bus that the backup must be of; None where none is named.

        Raises:
            Refusal: `malformed`; `cannot-start`, when the file has keys of several buses.
        """
        if self.verifier_key is None:
            return None
        keys = read_keys(self.verifier_key)
        publics = tuple(dict.fromkeys(key.public for key in keys))
        domains = {original_origin(key.name).rpartition("/")[0] for key in keys}
        if not publics or (len(publics) > 1 and len(domains) > 1):
            raise CannotStart(
                vi=f"{self.verifier_key} phải có khóa kiểm tra của đúng một trục; hãy giữ lại các dòng của trục đó.",
                en=f"{self.verifier_key} must hold verifier keys of one bus; leave the lines of that bus in it.",
            )
        return publics
