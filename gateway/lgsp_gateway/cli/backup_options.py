"""The options of commands that open a backup."""

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter

from lgsp_gateway.evidence.verify.key_file import read_keys
from lgsp_gateway.evidence.verify.restored_origin import original_origin
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.operate.backup.chunks import verifier_keys_beside
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
        A file with verifier keys of the logs, from an auditor or a witness (`lgsp evidence keys`): a backup that another key signed is refused. Where it is not named, those count that `lgsp backup keygen --verifier-key` wrote beside the identity.
    """

    identity: Path | None = None
    verifier_key: Path | None = None

    def trusted(self) -> list[VerifierKey]:
        """Return the verifier keys of the bus that the backup must be of; none where none is named.

        Raises:
            Refusal: `malformed`; `cannot-start`, when there are keys of several buses, or the identity cannot be read.
        """
        if self.verifier_key is not None:
            return keys_of_one_bus(self.verifier_key)
        beside = verifier_keys_beside(self.identity) if self.identity else []
        return [VerifierKey.parse(line) for line in beside]

    def publics(self) -> tuple[bytes, ...] | None:
        """Return the public keys of the bus that the backup must be of; None where none is named.

        Raises:
            Refusal: `malformed`; `cannot-start`, when there are keys of several buses, or the identity cannot be read.
        """
        return tuple(dict.fromkeys(key.public for key in self.trusted())) or None


def keys_of_one_bus(file: Path) -> list[VerifierKey]:
    """Read verifier keys of the logs of one bus.

    Raises:
        Refusal: `malformed`, `not-found`; `cannot-start`, when the file has keys of several buses.
    """
    keys = read_keys(file)
    domains = {original_origin(key.name).rpartition("/")[0] for key in keys}
    if len({key.public for key in keys}) > 1 and len(domains) > 1:
        raise CannotStart(
            vi=f"{file} phải có khóa kiểm tra của đúng một trục; hãy giữ lại các dòng của trục đó.",
            en=f"{file} must hold verifier keys of one bus; leave the lines of that bus in it.",
        )
    return keys
