"""Seals by others: a witness cosigns what goes on from before and nothing else, an RFC 3161 authority stamps."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from evidence.test_archive import Archived
from support.preloaded import run
from support.workbench import Workbench

from lgsp_gateway.evidence.verify.merkle import Tree
from lgsp_gateway.evidence.verify.refusals import evidence_forged
from lgsp_gateway.evidence.verify.signers import Cosigner, Signer
from lgsp_gateway.evidence.verify.verifier_key import VerifierKey
from lgsp_problems import Refusal

OUTSIDER = Path(__file__).parents[1] / "support/verify_log.mjs"
WITNESS = "kiem-toan.quangninh.gov.vn"


class Sealed(Archived):
    """A bus with a witness."""

    def __init__(self, bus: Workbench, folder: Path) -> None:
        super().__init__(bus, folder)
        self.folder = folder
        self.witness_folder = folder / "witness"
        self.witnesses = folder / "witnesses.txt"

    async def witness(self) -> tuple[int, str, str]:
        return await run("evidence", "witness", str(self.witness_folder), "--name", WITNESS, "--once", *self.remote)

    async def proved(self, message: str) -> Path:
        file = self.folder / "proof.json"
        code, _, err = await run("evidence", "prove", message, "-o", str(file), *self.remote)
        assert code == 0, err
        return file


@pytest_asyncio.fixture
async def sealed(tmp_path: Path) -> AsyncIterator[Sealed]:
    """A bus that knows the witness, whose key is made before."""
    folder = tmp_path / "witness"
    folder.mkdir()
    (folder / "witness.key").write_text((b"7" * 32).hex())
    witnesses = tmp_path / "witnesses.txt"
    witnesses.write_text(f"{Cosigner(WITNESS, b'7' * 32).key}\n")
    bus = await Workbench(tmp_path).start("--witnesses", str(witnesses))
    await bus.serve()
    yield Sealed(bus, tmp_path)
    await bus.stop()


async def test_a_proof_carries_the_witness(sealed: Sealed) -> None:
    [message] = await sealed.signed(1)
    code, out, err = await sealed.witness()
    assert (code, "1 entries sealed" in out) == (0, True), err
    file = await sealed.proved(message)
    await sealed.verify()
    key = ["--key", str(sealed.keys)]
    code, out, err = await run("evidence", "check", str(file), *key, "--witness", str(sealed.witnesses))
    assert (code, f"sealed: by {WITNESS}" in out) == (0, True), err
    vkeys = [sealed.keys.read_text().strip(), sealed.witnesses.read_text().strip()]
    node = await asyncio.create_subprocess_exec(
        "node", str(OUTSIDER), "sealed", str(file), *vkeys, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await node.communicate()
    assert said.decode() == f"proved: {message}\nsealed: {WITNESS}\n"
    [later] = await sealed.signed(1)  # not sealed yet
    file = await sealed.proved(later)
    code, _, err = await run("evidence", "check", str(file), *key, "--witness", str(sealed.witnesses))
    assert (code, "has not signed" in err) == (1, True), err
    code, _, err = await sealed.witness()
    assert code == 0, err
    code, out, err = await sealed.verify("--witness", str(sealed.witnesses))
    assert (code, f"2 entries sealed by {WITNESS}" in out) == (0, True), err


async def test_a_witness_does_not_sign_another_history(sealed: Sealed) -> None:
    await sealed.signed(2)
    assert (await sealed.witness())[0] == 0
    # The bus as it would look had somebody replaced its entries: same key, same size, other content.
    file = sealed.witness_folder / "bench.checkpoint"
    size = int(file.read_text().split("\n")[1])
    tree = Tree()
    for n in range(size):
        tree.append(b"%d" % n)
    key = (sealed.bus.state.keys / "evidence-log.key").read_bytes()
    file.write_text(Signer("lgsp/bench", _seed(key)).sign(size, tree.root()))
    await sealed.signed(1)
    code, _, err = await sealed.witness()
    assert (code, "does not go on" in err) == (1, True), err


def _seed(content: bytes) -> bytes:
    return content if len(content) == 32 else bytes.fromhex(content.decode())


async def test_a_stranger_seals_nothing(sealed: Sealed) -> None:
    await sealed.signed(1)
    sealed.witnesses.write_text(str(Cosigner("somebody.else", b"1" * 32).key))
    await sealed.bus.gateway.stop()
    await sealed.bus.gateway.start()
    code, _, err = await sealed.witness()
    assert (code, "--witnesses" in err) == (1, True), err


def test_a_cosignature_is_of_this_checkpoint_and_time() -> None:
    log, witness = Signer("lgsp/x", b"2" * 32), Cosigner("w", b"3" * 32)
    note = witness.cosign(log.sign(7, b"r" * 32), 1_790_000_000)
    key = VerifierKey.parse(str(witness.key))
    assert (key.cosigned_at(note), log.key.verify(note).size) == (1_790_000_000, 7)
    for changed in (note.replace("\n7\n", "\n8\n"), note.replace("— w ", "— v "), note[:-12] + note[-2:]):
        with pytest.raises(Refusal, match="not signed"):
            key.cosigned_at(changed)
    with pytest.raises(Refusal):
        key.verify(note)  # a witness is no log
    assert evidence_forged("", "").code == "evidence-forged"


@pytest_asyncio.fixture
async def authority(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """An RFC 3161 authority: OpenSSL's, behind HTTP."""
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\ncrypto_device=builtin\nsigner_cert=tsa.pem\nsigner_key=tsa.key\n"
        "signer_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256,sha512\naccuracy=secs:1\nordering=no\n"
        "tsa_name=yes\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n"
        "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n"
        "subjectKeyIdentifier=hash\n"
        "[ext]\nbasicConstraints=CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    (folder / "serial").write_text("01\n")

    async def openssl(*command: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            "openssl", *command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out

    new = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-config", "tsa.cnf"]
    await openssl(
        *new, "-x509", "-days", "2", "-subj", "/CN=Root", "-extensions", "ca", "-keyout", "ca.key", "-out", "ca.pem"
    )
    await openssl(*new, "-subj", "/CN=Authority", "-keyout", "tsa.key", "-out", "tsa.csr")
    signed = ["x509", "-req", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
    await openssl(*signed, "-in", "tsa.csr", "-extfile", "tsa.cnf", "-extensions", "ext", "-out", "tsa.pem")

    async def stamp(request: web.Request) -> web.Response:
        (folder / "query").write_bytes(await request.read())
        await openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return web.Response(body=(folder / "reply").read_bytes(), content_type="application/timestamp-reply")

    app = web.Application()
    app.router.add_post("/", stamp)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}/", folder / "ca.pem"
    await runner.cleanup()


async def test_an_authority_stamps_checkpoints(tmp_path: Path, authority: tuple[str, Path]) -> None:
    url, roots = authority
    bus = await Workbench(tmp_path).start("--timestamp-authority", url)
    await bus.serve()
    sealed = Sealed(bus, tmp_path)
    [message] = await sealed.signed(1)
    async with asyncio.timeout(20):
        while not (await sealed.proof(message))["seals"]:
            await asyncio.sleep(0.1)
    file = await sealed.proved(message)
    await sealed.verify()
    command = ["evidence", "check", str(file), "--key", str(sealed.keys), "--timestamp-roots"]
    code, out, err = await run(*command, str(roots))
    assert (code, "stamped: on 2" in out) == (0, True), err
    other = tmp_path / "other.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Other", "-keyout", tmp_path / "o", "-out", other],
        check=True, capture_output=True,
    )  # fmt: skip
    code, _, err = await run(*command, str(other))
    assert (code, "not by this authority" in err) == (1, True), err
    await bus.stop()
