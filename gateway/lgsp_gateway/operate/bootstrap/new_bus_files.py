"""The files of a new bus, each with what it is for: shown by `lgsp init --dry-run`, written by `lgsp init`.

The settings file comes last: while it is missing, an interrupted `lgsp init` is simply run again, and keeps the secrets that are there.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lgsp_auth.signing_keys import SigningKey
from lgsp_contracts.cli.terminal import as_compact_yaml
from lgsp_gateway.keys.key_store import KeyStore
from lgsp_gateway.operate import nats_users
from lgsp_gateway.operate.bootstrap.new_bus import CLUSTER_PORT, NewBus
from lgsp_gateway.operate.bootstrap.shipped_providers import shipped_providers
from lgsp_gateway.operate.nats_config import Address, Cluster, NatsServer, Tls
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime import durable_file

SETTINGS = "gateway.yaml"
MONITOR = "giam-sat"
"""The system as which the timer of `lgsp doctor` asks."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of a new bus.

    Args:
        vi, en: what it is for.
        shown: its content, where that is no secret.
        write: writes it.
    """

    path: Path
    vi: str
    en: str
    write: Callable[[], None]
    shown: str = ""


def plan(bus: NewBus) -> list[PlannedFile]:
    """Return the files of a new bus, in the order in which they are written.

    Raises:
        Refusal: `cannot-start`, where there is a bus already.
    """
    settings = bus.root / SETTINGS
    if settings.exists():
        raise CannotStart(
            vi=f"Đã có một trục ở {bus.root} ({settings}); hãy chọn thư mục khác bằng --to, hoặc sửa trực tiếp các tệp ở đó.",
            en=f"There is a bus in {bus.root} already ({settings}); name another folder with --to, or edit the files there.",
        )
    return [*_keys(bus), *_nats(bus), *_registry(bus), *_operators(bus), _settings(bus)]


def write(bus: NewBus, files: list[PlannedFile]) -> None:
    """Write the files.

    Raises:
        Refusal: `cannot-start`, where one cannot be written.
    """
    try:
        durable_file.make_folder(bus.root, 0o755)
        for file in files:
            file.write()
    except OSError as error:
        raise _unwritable(bus.root, error) from error


def _unwritable(root: Path, error: OSError) -> Refusal:
    return CannotStart(
        vi=f"Không ghi được vào {error.filename or root}: {error.strerror}; hãy chạy với quyền root, hoặc chọn thư mục khác bằng --to.",
        en=f"Cannot write {error.filename or root}: {error.strerror}; run this as root, or name another folder with --to.",
    )


def _keys(bus: NewBus) -> Iterator[PlannedFile]:
    folder = bus.root / "keys"
    yield PlannedFile(
        folder,
        "khóa của trục: bí mật, giống nhau ở mọi gateway; hãy sao lưu",
        "the keys of the bus: secret, the same at all gateways; back them up",
        KeyStore(folder).ensure,
    )


def _nats(bus: NewBus) -> Iterator[PlannedFile]:
    folder = bus.root / "nats"
    yield PlannedFile(
        folder / "passwords",
        "mật khẩu của các người dùng NATS: bí mật, giống nhau ở mọi máy",
        "the passwords of the NATS users: secret, the same on all machines",
        lambda: _write_passwords(folder / "passwords"),
    )
    for number, address in enumerate(bus.nats, 1):
        file = folder / f"nats-{number}.conf"
        yield PlannedFile(
            file,
            f"cấu hình máy chủ NATS {address}: bí mật",
            f"the configuration of the NATS server {address}: secret",
            lambda file=file, number=number, address=address: _write_nats(bus, file, number, address),  # type: ignore[misc]
        )


def _write_passwords(folder: Path) -> None:
    durable_file.make_folder(folder)
    nats_users.ensure_passwords(folder)


def _write_nats(bus: NewBus, file: Path, number: int, address: Address) -> None:
    tls = None if bus.nats_is_local else Tls(bus.tls.certificate, bus.tls.key, bus.tls.authorities)
    members = tuple(Address(server.host, CLUSTER_PORT) for server in bus.nats)
    server = NatsServer(
        name=f"nats-{number}",
        listen=address,
        store=bus.nats_store,
        max_file_store=bus.max_storage,
        issuer=KeyStore(bus.root / "keys").account_key().public,
        cluster=Cluster("lgsp", Address(address.host, CLUSTER_PORT), members) if len(members) > 1 else None,
        tls=tls,
    )
    passwords = nats_users.ensure_passwords(file.parent / "passwords")
    durable_file.write(file, server.configuration(passwords))


def _registry(bus: NewBus) -> Iterator[PlannedFile]:
    documents = as_compact_yaml([agency.document() for agency in bus.agencies])
    yield _text(
        bus.root / "registry" / "agencies.yaml",
        documents,
        "các cơ quan mà sổ đăng ký bắt đầu với",
        "the agencies that the registry begins with",
    )
    if bus.break_glass:
        key, document = bus.root / "break-glass" / f"{bus.break_glass}.pem", bus.root / "registry" / "break-glass.yaml"
        yield PlannedFile(
            key,
            "khóa của hệ thống khẩn cấp: bí mật; hãy cất ngoài máy này, trong két",
            "the key of the system for emergencies: secret; keep it off this machine, in a safe",
            lambda: _write_break_glass(bus, key, document),
        )
    yield from _monitor(bus)
    if bus.shipped_contracts:
        yield _text(
            bus.root / "registry" / "shipped-providers.yaml",
            as_compact_yaml(shipped_providers([agency.code for agency in bus.agencies])),
            "các hệ thống cung cấp theo hợp đồng đi kèm lgsp, và cơ quan của chúng",
            "the systems that provide the contracts that come with lgsp, and their agencies",
        )
    else:
        folder = bus.root / "contracts"
        yield PlannedFile(
            folder,
            "hợp đồng dữ liệu mà sổ đăng ký bắt đầu với: chưa có",
            "the contracts that the registry begins with: none yet",
            lambda: durable_file.make_folder(folder, 0o755),
        )


def _monitor(bus: NewBus) -> Iterator[PlannedFile]:
    """Return what the timer of `lgsp doctor` asks as: a system that sees the checks and changes nothing."""
    key, document = bus.root / "monitor" / f"{MONITOR}.pem", bus.root / "registry" / "monitor.yaml"
    title = {"vi": "Giám sát trục", "en": "Monitoring of the bus"}
    yield PlannedFile(
        key,
        "khóa của hệ thống giám sát (vai trò auditor) mà lgsp-doctor.timer dùng: bí mật",
        "the key of the system (role auditor) as which lgsp-doctor.timer asks: secret",
        lambda: _write_system(bus, MONITOR, title, "auditor", key, document),
    )
    yield _text(
        bus.root / "doctor.env",
        f"LGSP_URL={bus.public_url}\nLGSP_MONITOR={MONITOR}\n",
        "trục mà lgsp-doctor.timer kiểm tra, và với tư cách hệ thống nào",
        "which bus lgsp-doctor.timer checks, and as which system",
    )


def _write_break_glass(bus: NewBus, key: Path, document: Path) -> None:
    title = {"vi": "Hệ thống khẩn cấp", "en": "Break-glass system"}
    _write_system(bus, bus.break_glass, title, "operator", key, document)


def _write_system(bus: NewBus, name: str, title: dict[str, str], role: str, key: Path, document: Path) -> None:
    signing = SigningKey.from_pem(durable_file.ensure(key, lambda: SigningKey.generate().to_pem()))
    spec = {"agency": bus.invitation.operators[0].agency, "title": title, "roles": [role]}
    written = {"apiVersion": "lgsp/v1", "kind": "System", "metadata": {"name": name}}
    content = as_compact_yaml([{**written, "spec": {**spec, "jwks": [signing.public_jwk()]}}])
    durable_file.write(document, content.encode(), 0o644)


def _operators(bus: NewBus) -> Iterator[PlannedFile]:
    people = ", ".join(f"{one.user} ({one.agency})" for one in bus.invitation.operators)
    yield PlannedFile(
        bus.root / "keys" / "invitations",
        f"lời mời những người vận hành đầu tiên: {people}",
        f"the invitations of the first operators: {people}",
        lambda: _invite(bus),
    )


def _invite(bus: NewBus) -> None:
    folder = bus.root / "keys" / "invitations"
    if not list(folder.glob("*.json")):  # of an attempt that was interrupted
        bus.invitation.write_new(bus.root / "keys")


def _settings(bus: NewBus) -> PlannedFile:
    return _text(
        bus.root / SETTINGS,
        settings_text(bus),
        "thiết lập của gateway và indexer",
        "the settings of gateways and indexer",
    )


def settings_text(bus: NewBus) -> str:
    """Return the settings of the gateways of a bus, as their file has them."""
    lines = [
        "# Settings of gateways and indexer; all there are: lgsp gateway settings",
        f"public-url: {bus.public_url}",
        f"domain: {bus.domain}",
        f'host: "{bus.listen.host}"',
        f"port: {bus.listen.port}",
        f"nats: {bus.nats_url}",
        f"nats-passwords: {bus.root / 'nats' / 'passwords'}",
        f"replicas: {min(3, len(bus.nats))}",
        f"keys: {bus.root / 'keys'}",
        f"registry: {bus.root / 'registry'}",
        *([] if bus.shipped_contracts else [f"catalog: {bus.root / 'contracts'}"]),
        f"index: {bus.state / 'index.db'}",
        f"security-log: {bus.state / 'security.log'}",
        *([f"nats-storage: {bus.nats_store}"] if bus.nats_is_local else []),
        *([f"tls-cert: {bus.tls.certificate}", f"tls-key: {bus.tls.key}"] if bus.serves_tls else []),
        *(["proxies: 127.0.0.1,::1"] if bus.proxied else []),
    ]
    return "\n".join(lines) + "\n"


def _text(path: Path, content: str, vi: str, en: str) -> PlannedFile:
    def write_text() -> None:
        durable_file.make_folder(path.parent, 0o755)
        durable_file.write(path, content.encode(), 0o644)

    return PlannedFile(path, vi, en, write_text, content)


def give_to(owner: tuple[int, int], root: Path) -> None:
    """Give what processes read to the user that they run as; to be called as root.

    Args:
        owner: the ids of the user and its group.
        root: the folder of the configuration.
    """
    for path in (root / "keys", root / "nats"):
        for one in (path, *path.rglob("*")):
            os.chown(one, *owner, follow_symlinks=False)
