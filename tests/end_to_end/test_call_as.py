"""`lgsp call` as any system whose key is at hand: in a file of any kind, in the working directory, or in the folder of the local bus."""

import json
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from support.preloaded import run
from support.workbench import TEXT, Workbench, document, grant

BODY = '{"soDinhDanh": "022093001234"}'
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
EC, RSA, ED = (
    ec.generate_private_key(ec.SECP384R1()),
    rsa.generate_private_key(65537, 2048),
    ed25519.Ed25519PrivateKey.generate(),
)
PUBLIC = [
    ECAlgorithm.to_jwk(EC.public_key(), as_dict=True) | {"kid": "ec"},
    RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True) | {"kid": "rsa"},
    OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True) | {"kid": "ed"},
]
FILES = {
    "ec.pem": EC.private_bytes(*PEM),
    "rsa.pem": RSA.private_bytes(*PEM),
    "ed.pem": ED.private_bytes(*PEM),
    "ec.json": json.dumps(ECAlgorithm.to_jwk(EC, as_dict=True) | {"kid": "ec"}).encode(),
}


async def test_with_each_kind_of_key(bus: Workbench, tmp_path: Path) -> None:
    own = document("System", "own-keys", agency="H49.1", title=TEXT, jwks=PUBLIC)
    assert (await bus.registry("POST", "systems", own)).status == 201
    assert (await bus.registry("POST", "grants", grant("own-keys", "own-keys", read=["*"]))).status == 201
    adapter = await bus.serve()
    url = f"http://127.0.0.1:{bus.port}"
    call = ["call", "desk", "read", "-d", BODY, "--as", "own-keys", "--url", url]
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
        code, out, err = await run(*call, "--key", str(tmp_path / name))
        assert (code, json.loads(out)) == (0, {"ketQua": "KHOP"}), (name, err)
    (tmp_path / "text").write_text("no key")
    code, _, err = await run(*call, "--key", str(tmp_path / "text"))
    assert (code, "is no private key in PEM" in err) == (1, True)

    code, _, err = await run(*call)
    assert (code, "name its file with --as-key" in err) == (1, True)
    state = tmp_path / "state"
    (state / "credentials").mkdir(parents=True)
    (state / "credentials" / "own-keys.pem").write_bytes(FILES["ed.pem"])
    assert (await run(*call, environment={"LGSP_STATE_DIR": str(state)}))[0] == 0
    code, _, err = await run("get", "systems", "--url", url, "--state-dir", str(tmp_path / "none"))
    assert (code, f"Who asks {url} is not known; run lgsp login" in err) == (1, True)

    other = {"LGSP_TOKEN": bus.token("operator")}
    who = ["whoami", "--url", url]
    code, out, err = await run(*who, "--as", "own-keys", "--as-key", str(tmp_path / "ec.pem"), environment=other)
    assert (code, "own-keys" in out) == (0, True), (out, err)
    assert "operator" in (await run(*who, environment=other))[1]
    elsewhere = ["whoami", "--url", "https://lgsp.example.gov.vn"]
    code, _, err = await run(*elsewhere, environment=other)
    assert (code, "is not sent to https://lgsp.example.gov.vn" in err) == (1, True), err
    code, _, err = await run(*elsewhere, environment={**other, "LGSP_URL": "https://other.example.gov.vn"})
    assert (code, "is not sent to https://lgsp.example.gov.vn" in err) == (1, True), err
    code, _, err = await run(*who, "--as", "own-keys", "--token", bus.token("operator"))
    assert (code, "Both --as and --token are given" in err) == (1, True)

    await bus.unserve(adapter)
    for path in ("grants/own-keys", "systems/own-keys"):
        revision = (await bus.registry("GET", path)).json["metadata"]["revision"]
        assert (await bus.registry("DELETE", path, headers={"If-Match": f'"{revision}"'})).status == 204
