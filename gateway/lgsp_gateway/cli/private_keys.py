"""The private keys with which commands act as a system: PEM or JWK files, of every kind that the registry accepts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lgsp_contracts.names import SystemName
from lgsp_gateway.local.state_dir import StateDir
from lgsp_problems import NotFound

_ALGORITHM_OF_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384"}


@dataclass(frozen=True, slots=True)
class AssertionKey:
    """A private key that signs client assertions.

    Args:
        algorithm: as JWTs name it, such as `ES256`.
        kid: of a JWK that has one; otherwise empty, and the bus tries each key of the system.
    """

    private: Any
    algorithm: str
    kid: str = ""

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a JWT with these claims."""
        headers = {"kid": self.kid} if self.kid else None
        return jwt.encode(dict(claims), self.private, algorithm=self.algorithm, headers=headers)


def read_private_key(file: Path) -> AssertionKey:
    """Read an unencrypted private key in PEM, or a private JWK.

    Raises:
        Refusal: `not-found`, where there is no such key.
    """
    try:
        content = file.read_bytes().strip()
        if content.startswith(b"{"):
            jwk = orjson.loads(content)
            return _with_algorithm(jwt.PyJWK.from_dict(jwk).key, str(jwk.get("kid", "")))
        return _with_algorithm(load_pem_private_key(content, password=None))
    except OSError as error:
        raise NotFound(
            vi=f"Không đọc được khóa riêng ở {file}: {error.strerror}; hãy kiểm tra đường dẫn.",
            en=f"Cannot read the private key in {file}: {error.strerror}; check the path.",
        ) from error
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm, jwt.PyJWTError) as error:
        raise NotFound(
            vi=f"{file} không phải khóa riêng ở dạng PEM (không mã hóa) hay JWK; hãy chỉ tệp khác, hoặc giải mã nó bằng openssl pkey.",
            en=f"{file} is no private key in PEM (unencrypted) or JWK; name another file, or decrypt it with openssl pkey.",
        ) from error


def find_private_key(state: StateDir, system: SystemName) -> AssertionKey:
    """Read the private key of a system, where `lgsp up` or `lgsp keys new` has put it: the local bus's folder, or the working directory.

    Raises:
        Refusal: `not-found`, naming the systems whose key is there.
    """
    file = f"{system}.pem"
    folders = (state.credentials, Path())
    found = next((folder / file for folder in folders if (folder / file).is_file()), None)
    if found:
        return read_private_key(found)
    known = ", ".join(sorted(path.stem for path in state.credentials.glob("*.pem"))) or "-"
    raise NotFound(
        vi=f"Không có khóa {file} của hệ thống trong {state.credentials} hay thư mục hiện tại; hãy chỉ tệp khóa bằng --as-key, hoặc dùng --token. Các hệ thống có khóa ở đó: {known}.",
        en=f"There is no key {file} of that system in {state.credentials} or the working directory; name its file with --as-key, or use --token. Systems with a key there: {known}.",
    )


def _with_algorithm(private: Any, kid: str = "") -> AssertionKey:
    match private:
        case ec.EllipticCurvePrivateKey():
            return AssertionKey(private, _ALGORITHM_OF_CURVE[private.curve.name], kid)
        case rsa.RSAPrivateKey():
            return AssertionKey(private, "RS256", kid)
        case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
            return AssertionKey(private, "EdDSA", kid)
    raise ValueError("a public key, or of another kind")
