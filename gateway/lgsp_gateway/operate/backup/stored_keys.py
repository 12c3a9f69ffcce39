"""The keys of the logs in a backup: they may have been changed since the bus was made, and the newest may be in a token."""

from dataclasses import dataclass

from lgsp_gateway.evidence.verify.signers import FileLogKey, publics_of
from lgsp_gateway.evidence.verify.succession import Succession, leading_to, newest_of_all
from lgsp_gateway.keys.key_store import LOG_SUCCESSIONS, newest_log_key_file
from lgsp_gateway.operate.backup import folders
from lgsp_gateway.operate.backup.chunks import ChunkReader
from lgsp_gateway.operate.backup.manifest import Manifest
from lgsp_gateway.operate.backup.refusals import backup_damaged


@dataclass(frozen=True, slots=True)
class StoredLogKeys:
    """The public halves of the keys of the logs.

    Args:
        publics: those that sign the logs or have signed them, the newest first.
        newest_in_token: whether the newest one is in a PKCS#11 token, so that the backup has no private half of it.
    """

    publics: tuple[bytes, ...]
    newest_in_token: bool


def read_log_keys(manifest: Manifest, signer: bytes, reader: ChunkReader) -> StoredLogKeys:
    """Read the keys of the logs from a backup, after a check that one of them signed its manifest.

    Args:
        signer: the public key that signed the manifest.

    Raises:
        Refusal: `backup-damaged`, `backup-unavailable`, `cannot-start`.
    """
    prefix = f"{folders.KEYS}/"
    files = {file.name.removeprefix(prefix): file for file in manifest.files if file.name.startswith(prefix)}
    newest = newest_log_key_file(files)
    stored = files.get(LOG_SUCCESSIONS)
    lines = b"".join(reader.read_all(stored.chunks)).decode("ascii").splitlines() if stored else []
    successions = [Succession.parse(line) for line in lines]
    file_key = FileLogKey(b"".join(reader.read_all(files[newest].chunks))).public if newest else None
    last = newest_of_all(successions) or file_key
    if last is None:
        raise backup_damaged("không có khóa nhật ký", "it has no key of the logs")
    publics = publics_of(last, leading_to(last, successions))
    keys = StoredLogKeys(publics, newest_in_token=publics[0] != file_key)
    if signer not in keys.publics:
        raise backup_damaged(
            "khóa nhật ký trong đó không phải khóa đã ký bản kê",
            "the key of the logs in it is not the one that signed its manifest",
        )
    return keys
