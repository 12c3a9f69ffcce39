"""What an auditor does with one message: `lgsp evidence prove | check | keys`. Checking needs no bus."""

from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import Parameter

from lgsp_contracts import entry as entries
from lgsp_contracts import names
from lgsp_contracts.cli.terminal import out
from lgsp_gateway.cli import times
from lgsp_gateway.cli.bus_client import BusAddress, BusClient, BusOptions
from lgsp_gateway.cli.files import read_bytes, read_json
from lgsp_gateway.cli.json_output import print_json
from lgsp_gateway.cli.options import StateFolder, Url
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.evidence.cosign.timestamps import stamped_at
from lgsp_gateway.evidence.verify.cosignature import TIMESTAMP, Cosignature
from lgsp_gateway.evidence.verify.inclusion_proof import verify_cosignatures, verify_proof
from lgsp_gateway.evidence.verify.key_file import read_keys
from lgsp_gateway.evidence.verify.log_keys import LogKeys, find_log_keys
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_gateway.local.state_dir import DEFAULT

WAIT_SECONDS = 20
"""What a gateway waits at most."""

Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]


def prove(
    message: str,
    /,
    *,
    output: Output = None,
    bus: BusOptions = BusOptions(),  # noqa: B008
) -> None:
    """Write the proof that a message passed: its entry, the path to the root of its log, and the signed root.

    Of a message that passed just now the checkpoint that covers it is waited for, some 20 seconds at most.

    Parameters
    ----------
    message
        The message id, from `Lgsp-Message-Id`.
    output
        The file; stdout without it.
    """
    response = bus.client().get(f"/evidence/messages/{names.message_id(message)}/proof", {"wait": str(WAIT_SECONDS)})
    proof = orjson.dumps(orjson.loads(response), option=orjson.OPT_INDENT_2)
    if output:
        output.write_bytes(proof + b"\n")
    else:
        out(proof.decode() + "\n")


def check(
    file: Path,
    /,
    *,
    key: str,
    request: Path | None = None,
    answer: Path | None = None,
    salt: str = "",
    witness: Path | None = None,
    timestamp_roots: Path | None = None,
) -> None:
    """Check a proof, anywhere: no bus is asked.

    Parameters
    ----------
    file
        What `lgsp evidence prove -o` wrote.
    key
        The verifier key of the log, or a file that holds it.
    request
        The file with the request that the caller sent, to compare with the digest in the entry.
    answer
        The file with the answer that the caller received, to compare with the digest in the entry.
    salt
        What the caller got in the header `Lgsp-Digest-Salt`: the digests are salted, so that nobody finds a document by trying.
    witness
        A file of verifier keys of witnesses: each must have sealed a checkpoint that holds the entry.
    timestamp_roots
        The certificates (PEM) of the timestamp authorities that you trust: one must have stamped such a checkpoint.
    """
    keys = read_keys(Path(key)) if Path(key).is_file() else [VerifierKey.parse(key)]
    proof = read_json(file)
    note = str(proof.get("checkpoint", "")) if isinstance(proof, dict) else ""
    trusted = find_log_keys(keys, note) or LogKeys.group(keys)[0]
    sent, got = (read_bytes(path) if path else None for path in (request, answer))
    entry = verify_proof(proof, trusted, sent, got, entries.parse_salt(salt) if salt else None)
    print_json(entry)
    index, origin = proof["index"], trusted.verify(note).origin
    out(localized(f"đã chứng minh: mục {index} của {origin}\n", f"proved: entry {index} of {origin}\n"))
    sealed = verify_cosignatures(proof, trusted)
    for one in read_keys(witness) if witness else []:
        cosigned = next((cosignature.note for cosignature in sealed if cosignature.by == one.name), "")
        when = times.in_seconds(one.cosigned_at(cosigned))
        out(localized(f"đóng dấu: bởi {one.name} lúc {when}\n", f"sealed: by {one.name} on {when}\n"))
    if timestamp_roots:
        stamp = next((cosignature for cosignature in sealed if cosignature.by == TIMESTAMP), Cosignature(TIMESTAMP, ""))
        when = times.in_seconds(stamped_at(stamp, timestamp_roots).timestamp())
        out(localized(f"dấu thời gian: lúc {when}\n", f"stamped: on {when}\n"))


def keys(*, state_dir: StateFolder = DEFAULT, url: Url = "") -> None:
    """Print the verifier keys of all logs; hand them over by another way than the evidence.

    Parameters
    ----------
    state_dir
        The folder of the local bus.
    url
        The address of a remote bus.
    """
    address = BusAddress(state_dir, url).resolved()
    out(BusClient(address, "").get("/evidence/keys").decode())
