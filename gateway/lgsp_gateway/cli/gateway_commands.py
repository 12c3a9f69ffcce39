"""What an operator runs: `lgsp gateway run` and `lgsp keys rotate`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts import names
from lgsp_contracts.cli.terminal import as_compact_yaml, out
from lgsp_gateway import app
from lgsp_gateway.cli.options import StateFolder
from lgsp_gateway.cli.public_keys import read_public_keys
from lgsp_gateway.cli.texts import localized
from lgsp_gateway.cli.token_options import TokenOptions
from lgsp_gateway.config import GatewaySettings, IndexerSettings, read_settings
from lgsp_gateway.evidence import log_key
from lgsp_gateway.evidence.archive.store import ArchiveStore
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.local.state_dir import DEFAULT, StateDir
from lgsp_gateway.setting_descriptions import Format, describe, describe_effective
from lgsp_runtime import durable_file
from lgsp_runtime import process as processes
from lgsp_runtime.nats.connection import NatsEndpoint
from lgsp_runtime.tls import TlsFiles


def run_gateway(*, settings: Annotated[GatewaySettings | None, Parameter(name="*")] = None) -> None:
    """Run a gateway, until SIGTERM; calls it has begun are finished first.

    A flag beats its environment variable (`LGSP_GW_PORT`), which beats the file that `--config` names.
    """
    settings = settings or read_settings(GatewaySettings)
    if not settings.name:
        settings = settings.model_copy(update={"name": app.random_name()})
    processes.run(f"gateway {settings.name}", lambda process: app.serve(settings, process))


def show_settings(*, form: Annotated[Format, Parameter(name="--format")] = "text", config: Path | None = None) -> None:
    """Show each setting of a gateway: flag, environment variable, [default], = the value that is set, meaning.

    Values are those that a gateway started here would have without flags: of the environment and of the file of settings.

    Parameters
    ----------
    config
        The file of settings, as `lgsp gateway run --config` takes it; by default `LGSP_GW_CONFIG`.
    form
        `yaml` writes a file for `lgsp gateway run --config FILE`, with each setting as a comment.
    """
    if form == "text":
        out(describe_effective(read_settings(GatewaySettings, config)))
    else:
        out(describe(GatewaySettings, form))


def run_indexer(*, settings: Annotated[IndexerSettings | None, Parameter(name="*")] = None) -> None:
    """Copy the evidence into a search index, until SIGTERM. Killed or removed, it goes on or begins again by itself."""
    settings = settings or read_settings(IndexerSettings)
    tls = TlsFiles.for_client(settings.nats_ca).context if settings.nats_ca else None
    nats = NatsEndpoint.with_password_file(settings.nats, "gateway", settings.nats_passwords / "gateway", tls)
    from lgsp_gateway.evidence.search import indexer  # noqa: PLC0415 - a database's library takes 0.2 s to load, for this command alone
    from lgsp_gateway.evidence.search.store import Index  # noqa: PLC0415

    archive = ArchiveStore(settings.archive) if settings.archive else None
    index = Index(settings.index, writes=True)
    processes.run("indexer", lambda process: indexer.serve(nats, index, archive, settings.keep_days, process))


def show_keys(*, state_dir: StateFolder = DEFAULT, keys: Path | None = None) -> None:
    """Show what others need to know of the keys: nothing of it is secret.

    Parameters
    ----------
    state_dir
        The folder of a local bus.
    keys
        The folder of keys, where it is another.
    """
    store = KeyStore(keys or StateDir(state_dir).keys)
    store.ensure()
    ring = store.ring()
    rows = [(localized("ký mã truy cập", "signs tokens"), ring.current.kid)]
    verifies = localized("kiểm mã truy cập", "verifies tokens")
    rows += [(verifies, kid) for kid in sorted(ring.thumbprints - {ring.current.kid})]
    rows.append((localized("issuer của auth callout", "auth callout issuer"), store.account_key().public))
    for title, value in rows:
        out(f"{title:<26}{value}\n")


def rotate_keys(
    *,
    state_dir: StateFolder = DEFAULT,
    keys: Path | None = None,
    token: TokenOptions = TokenOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Make a new key that signs access tokens from now on, in the PKCS#11 token where that has the present one.

    Tokens signed by the old one count until they expire.

    Parameters
    ----------
    state_dir
        The folder of a local bus.
    keys
        The folder of signing keys, where it is another.
    """
    store = KeyStore(keys or StateDir(state_dir).keys, token=token.open())
    store.ensure()
    kid = store.rotate()
    out(localized(f"từ nay {kid} ký\n", f"{kid} signs from now on\n"))


def rotate_log_key(
    *,
    state_dir: StateFolder = DEFAULT,
    keys: Path | None = None,
    token: TokenOptions = TokenOptions(),  # noqa: B008 - cyclopts reads it, nobody changes it
) -> None:
    """Make a new key that signs the evidence from now on, in the PKCS#11 token where that has the present one.

    The old one vouches for it, so that logs go on as they are.

    Parameters
    ----------
    state_dir
        The folder of a local bus.
    keys
        The folder of keys of the gateways, where it is another.
    """
    store = KeyStore(keys or StateDir(state_dir).keys, token=token.open())
    store.ensure()
    key = log_key.rotate_log_key(store)
    out(
        localized(
            f"từ nay khóa {key} ký nhật ký bằng chứng; hãy gửi kết quả mới của `lgsp evidence keys` cho kiểm toán viên và nhân chứng\n",
            f"the key {key} signs the evidence from now on; send auditors and witnesses what `lgsp evidence keys` prints now\n",
        )
    )


def move_to_token(
    *,
    module: Path,
    pin_file: Path,
    token: str = "lgsp",  # noqa: S107 - the label of a token
    state_dir: StateFolder = DEFAULT,
    keys: Path | None = None,
) -> None:
    """Make the keys that sign evidence and access tokens in a PKCS#11 token. Those in files vouch for them, and verify what they signed.

    Start the gateways with the settings `pkcs11-…` afterwards, one after the other.

    Parameters
    ----------
    module
        The PKCS#11 library of the token, such as /usr/lib/softhsm/libsofthsm2.so.
    pin_file
        A file with the PIN of the token's user.
    token
        The label of the token.
    state_dir
        The folder of a local bus.
    keys
        The folder of keys of the gateways, where it is another.
    """
    from lgsp_gateway.keys.pkcs11_token import Pkcs11Token, TokenAddress  # noqa: PLC0415 - for those alone who have a token

    opened = Pkcs11Token(TokenAddress(module, token, pin_file))
    store = KeyStore(keys or StateDir(state_dir).keys, token=opened)
    store.ensure()
    log = log_key.move_log_key_to_token(store, opened)
    signing = store.move_signing_key_to_token()
    out(localized(f"khóa {log} ký nhật ký bằng chứng\n", f"the key {log} signs the evidence\n"))
    out(localized(f"khóa {signing} ký mã truy cập\n", f"the key {signing} signs access tokens\n"))
    flags = f"--pkcs11-module {module} --pkcs11-token {token} --pkcs11-pin-file {pin_file}"
    out(
        localized(
            f"hãy khởi động lại lần lượt từng gateway với {flags}\n",
            f"restart the gateways one after the other with {flags}\n",
        )
    )


def rotate_storage_key(*, state_dir: StateFolder = DEFAULT, keys: Path | None = None) -> None:
    """Make a new key that encrypts what is stored, from a minute later on. What is stored stays readable by the old one.

    Parameters
    ----------
    state_dir
        The folder of a local bus.
    keys
        The folder of keys of the gateways, where it is another.
    """
    store = KeyStore(keys or StateDir(state_dir).keys)
    store.ensure()
    _say_used_later(f"storage-{store.rotate_storage_key()}.key", "dữ liệu mới", "what is new")


def rotate_webhook_key(*, state_dir: StateFolder = DEFAULT, keys: Path | None = None) -> None:
    """Make a new key that encrypts the secrets of webhook endpoints, from a minute later on. Those that are stored stay readable.

    Parameters
    ----------
    state_dir
        The folder of a local bus.
    keys
        The folder of keys of the gateways, where it is another.
    """
    store = KeyStore(keys or StateDir(state_dir).keys)
    store.ensure()
    _say_used_later(store.rotate_webhook_key(), "khóa bí mật của webhook", "secrets of webhooks")


def _say_used_later(file: str, vi: str, en: str) -> None:
    """Say from when on a new key counts.

    Args:
        file: of the key.
        vi, en: what it encrypts.
    """
    out(
        localized(
            f"khóa {file} mã hóa {vi} sau một phút; nếu các gateway không dùng chung thư mục khóa, hãy chép tệp này sang mọi máy ngay bây giờ (cp -p)\n",
            f"{file} encrypts {en} in a minute; where gateways do not share the folder of keys, copy the file to all machines now (cp -p)\n",
        )
    )


def remove_key(
    key: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    state_dir: StateFolder = DEFAULT,
    keys: Path | None = None,
) -> None:
    """Remove a key that has signed access tokens, as when it may be stolen: every token that it signed ends, within seconds.

    Parameters
    ----------
    key
        The key, as `lgsp keys show` names it, or how it begins. The one that signs at present is not removed: rotate first.
    state_dir
        The folder of a local bus.
    keys
        The folder of signing keys, where it is another.
    """
    removed = KeyStore(keys or StateDir(state_dir).keys).remove(key)
    out(
        localized(
            f"{removed} đã bị gỡ: các mã truy cập do nó ký đã hết hiệu lực, ở mọi gateway và trên NATS\n",
            f"{removed} is removed: the tokens that it signed have ended, at every gateway and on NATS\n",
        )
    )


def new_key(
    system: str, /, *, agency: str, title_vi: str, title_en: str, folder: Path = Path(), public_key: Path | None = None
) -> None:
    """Make the key pair of a new system: the private half stays here, the document for `lgsp apply` is printed.

    Parameters
    ----------
    system
        The system's name, such as tau-ca.
    agency
        Whose it is: an electronic identification code in the registry.
    title_vi
        The title of the system in Vietnamese.
    title_en
        The title of the system in English.
    folder
        Where SYSTEM.pem is written; one that is there is kept.
    public_key
        Make no key pair, but take the public key that its owner handed over: a JWK, or a public key or certificate in PEM or DER.
    """
    names.system_name(system)
    names.agency_code(agency)
    jwks = read_public_keys(public_key) if public_key else [_own_key(folder / f"{system}.pem").public_jwk()]
    spec = {"agency": agency, "title": {"vi": title_vi, "en": title_en}, "jwks": jwks}
    document = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": system}, "spec": spec}
    out(as_compact_yaml([document]))


def _own_key(file: Path) -> SigningKey:
    return SigningKey.from_pem(durable_file.ensure(file, lambda: SigningKey.generate().to_pem()))
