"""The settings of the gateway's processes: one typed model, read from a file, the environment and flags.

A flag beats the environment, and the environment beats the file. Each setting is described here once: the flags' help, `lgsp gateway settings`
and `docs/reference/settings.md` are made from it. What stands here is what an operator may want to change; what nobody may change, since
others rely on it, is a constant where it is used.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, PlainValidator, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from lgsp_contracts import documents, names
from lgsp_gateway import setting_values
from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.state_paths import DEFAULT_STATE

ENVIRONMENT_PREFIX = "LGSP_GW_"
"""Not `LGSP_GATEWAY_`: Kubernetes sets `LGSP_GATEWAY_PORT=tcp://…` in each pod beside a Service of the name lgsp-gateway."""


class _NatsSettings(BaseSettings):
    """What each process needs to reach NATS."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
        enable_decoding=False,
        allow_inf_nan=False,
    )

    config: Path | None = Field(
        default=None, description="YAML file of settings. Keys are the names of the flags: `public-url: https://…`."
    )
    nats: str = Field(default="nats://127.0.0.1:4222", description="NATS server addresses, separated by commas.")
    nats_passwords: Path = Field(
        default=DEFAULT_STATE / "nats" / "passwords",
        description="Folder with the NATS passwords of the users `gateway` and `system`, one file each.",
    )
    nats_ca: Path | None = Field(
        default=None,
        description="CA certificates (PEM) for NATS servers at `tls://` addresses. Reloaded when the file changes.",
    )
    index: str = Field(
        default="",
        description="Search index of the evidence: a SQLite file, or `postgresql://USER@HOST/DATABASE` (password from PGPASSWORD or PGPASSFILE).",
    )
    archive: str = Field(
        default="",
        description="Archive written by `lgsp evidence archive`, a folder or `s3://…`. Needed to prove, export and index evidence"
        " that is no longer in its stream.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment, file."""
        _refuse_unknown_variables()
        named = init_settings().get("config") or os.environ.get(f"{ENVIRONMENT_PREFIX}CONFIG")
        # one file serves all processes of a bus: what only another kind of process knows is passed over
        others = {name for kind in (GatewaySettings, IndexerSettings) for name in kind.model_fields}
        ignored = frozenset(others - settings_cls.model_fields.keys())
        return init_settings, env_settings, _SettingsFile(settings_cls, Path(named) if named else None, ignored)


class _SettingsFile(PydanticBaseSettingsSource):
    """Settings from a YAML file, whose keys are the flags' names.

    Args:
        ignored: settings of other processes.
    """

    def __init__(self, settings_cls: type[BaseSettings], path: Path | None, ignored: frozenset[str]) -> None:
        super().__init__(settings_cls)
        read = _read_file(path) if path else {}
        self._values = {name: value for name, value in read.items() if name not in ignored}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of one field, as the base class asks for it."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return all values of the file."""
        return self._values


def _read_file(path: Path) -> dict[str, Any]:
    try:
        parsed = documents.read(path)
    except Refusal as error:
        raise CannotStart(
            vi=f"Không đọc được tệp cấu hình; hãy kiểm tra đường dẫn và cú pháp YAML. {error.detail.vi}",
            en=f"Cannot read the settings file; check its path and its YAML. {error.detail.en}",
        ) from error
    values = parsed[0][1] if len(parsed) == 1 else [document for _, document in parsed] or {}
    if not isinstance(values, dict):
        raise CannotStart(
            vi=f"Tệp cấu hình {path} phải gồm các dòng `tên: giá trị`.",
            en=f"The settings file {path} must hold lines of `name: value`.",
        )
    settings = {key.replace("-", "_"): value for key, value in values.items()}
    if len(settings) < len(values):
        doubled = sorted(key for key in values if "-" in key and key.replace("-", "_") in values)
        raise CannotStart(
            vi=f"Tệp cấu hình {path} nêu hai lần thiết lập {', '.join(doubled)}, với dấu gạch ngang và dấu gạch dưới; hãy bỏ bớt một dòng.",
            en=f"The settings file {path} has the setting {', '.join(doubled)} twice, with hyphens and with underscores; remove one of the lines.",
        )
    return settings


class GatewaySettings(_NatsSettings):
    """The settings of one gateway."""

    name: str = Field(
        default="", description="Name of the gateway in the evidence, unique among the gateways. Random by default."
    )
    roles: Annotated[tuple[str, ...], PlainValidator(setting_values.read_roles)] = Field(
        default=setting_values.ROLES,
        description="What this process does, separated by commas: `http` answers calls, accepts messages and events, and serves the management API;"
        " `delivery` delivers messages, events and webhooks. Without `http` its port serves health and metrics alone.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on. 0 selects a free port.")
    share_port: bool = Field(
        default=False,
        description="Let several gateways on this machine listen on the same port (SO_REUSEPORT), one process per core.",
    )
    public_url: str = Field(
        default="",
        description="URL under which callers reach the gateway; also the issuer of its tokens. Default: `http://HOST:PORT`.",
    )
    former_public_url: str = Field(
        default="",
        description="URL under which the bus was reached until now, while it moves to another `public-url`: a gateway refuses to start with a"
        " URL that is not that of the bus. Tokens and accounts of local users are those of one URL.",
    )
    domain: str = Field(
        default="",
        description="Domain of this instance, such as `lgsp.quangninh.gov.vn`. It makes the origin of each evidence log, `DOMAIN/NAME`, globally unique."
        " Required unless the public URL is on this machine. After a change of domain a log continues under its new origin and refers to"
        " the old one.",
    )
    tls_cert: Path | None = Field(
        default=None, description="Certificate chain (PEM) of the HTTP server. Reloaded when the file changes."
    )
    tls_key: Path | None = Field(default=None, description="Private key (PEM) of the certificate.")
    acme_directory: str = Field(
        default="",
        description="URL of the directory of an ACME authority (RFC 8555). The gateways get the certificate of the public URL's host there, renew it, and"
        " write it to `tls-cert` and `tls-key`.",
    )
    acme_contact: str = Field(default="", description="Mail address that the ACME authority may write to.")
    acme_ca: Path | None = Field(
        default=None,
        description="CA certificates (PEM) of the ACME authority's own HTTPS, where the system does not trust it.",
    )
    acme_port: int = Field(
        default=80,
        ge=1,
        le=65535,
        description="Port on which the ACME authority's challenges are answered, as seen from it port 80.",
    )
    proxies: Annotated[tuple[setting_values.Network, ...], PlainValidator(setting_values.read_networks)] = Field(
        default=(),
        description="Addresses or networks of reverse proxies, separated by commas. `--connections-each` does not apply to them.",
    )
    load_balancers: Annotated[tuple[setting_values.Network, ...], PlainValidator(setting_values.read_networks)] = Field(
        default=(),
        description="Addresses or networks of load balancers that write `X-Forwarded-For` and ask `/readyz`, such as HAProxy as `lgsp haproxy config`"
        " configures it, separated by commas. `--connections-each` does not apply to them, the client is whom they name, and after SIGTERM"
        " the gateway goes on to answer for 2 seconds while they send new requests elsewhere.",
    )
    allow_lazy_disk: bool = Field(
        default=False,
        description="Accept a NATS server that does not sync each message to disk. For development only: evidence can be lost.",
    )
    keys: Path = Field(
        default=DEFAULT_STATE / "keys", description="Folder of the signing keys, shared by all gateways."
    )
    pkcs11_module: Path | None = Field(
        default=None,
        description="PKCS#11 library of a token or HSM. The keys that `lgsp keys move-to-token` has made there sign tokens and evidence.",
    )
    pkcs11_token: str = Field(default="lgsp", description="Label of the token.")
    pkcs11_pin_file: Path | None = Field(default=None, description="File with the PIN of the token's user.")
    issuers: Path | None = Field(
        default=None, description="File of other trusted token issuers (docs/operate/other-issuers.md)."
    )
    registry: Path = Field(
        default=DEFAULT_STATE / "registry",
        description="Folder of documents with which an empty registry is initialised.",
    )
    catalog: Path | None = Field(default=None, description="Folder of contracts. Default: those shipped with lgsp.")
    replicas: int = Field(default=1, ge=1, le=5, description="Replicas of each stream; 3 on a NATS cluster.")
    stale_seconds: float = Field(
        default=300,
        ge=0,
        description="Seconds to keep serving from the last known registry after the connection to NATS is lost.",
    )
    witnesses: Path | None = Field(
        default=None,
        description="File of verifier keys, one per line, of the witnesses whose cosignatures on the evidence are stored (`lgsp evidence witness`).",
    )
    timestamp_authority: str = Field(
        default="", description="URL of an RFC 3161 time-stamping authority. One checkpoint a minute is time-stamped."
    )
    security_log: str = Field(
        default="",
        description="Destination of security events (ECS JSON): a file, `syslog+udp://HOST:PORT` or `syslog+tcp://HOST:PORT` (RFC 5424).",
    )
    alertmanager: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$",
        description="URL of a Prometheus Alertmanager, such as `http://alertmanager:9093`. The console and `/ops/alerts` show its firing alerts.",
    )
    webhook_networks: Annotated[tuple[str, ...], PlainValidator(setting_values.read_webhook_networks)] = Field(
        default=(),
        description="Addresses or networks, separated by commas, that webhooks may be sent to beside public addresses, also by http:"
        " those of the province's own systems. An entry opens ports 80 and 443, or those that it names: `10.1.0.0/16:443,8443`,"
        " `10.2.0.7:8000-8999`, `[fd12::/32]:8443`.",
    )
    webhook_ca: Path | None = Field(
        default=None,
        description="CA certificates (PEM) that webhook endpoints may use beside those the system trusts. Reloaded when the file changes.",
    )
    smtp: str = Field(
        default="",
        description="Mail server of notifications: `smtp://USER@HOST:PORT` (STARTTLS is required, but on this machine) or `smtps://USER@HOST:PORT`. Without it, no mail is sent.",
    )
    smtp_password_file: Path | None = Field(
        default=None, description="File with the password of the mail server's user."
    )
    mail_sender: str = Field(default="", description="Address that notifications by mail are from.")
    notification_minutes: float = Field(
        default=15,
        ge=0,
        description="Minutes between two notifications to one person by one channel; what happens meanwhile is in the next one.",
    )
    citizen_request_days: int = Field(
        default=6,
        ge=1,
        le=60,
        description="Working days in which an agency has to answer the request of a citizen. Six are never more than ten days,"
        " public holidays apart.",
    )
    citizen_requests_kept_days: int = Field(
        default=90, ge=1, description="Days for which an answered request of a citizen is kept; then it is erased."
    )
    head_seconds: float = Field(
        default=10,
        gt=0,
        description="Seconds allowed for the TLS handshake, and again for the head of each request.",
    )
    body_seconds: float = Field(
        default=10,
        gt=0,
        description="Seconds allowed for the body of a request to arrive: 1 MiB in 10 s is 0.8 Mbit/s.",
    )
    idle_seconds: float = Field(
        default=120,
        gt=0,
        description="Seconds to keep an idle connection open. Set it longer than callers and proxies do (.NET and nginx 60 s, Go 90 s),"
        " so that no request is sent on a connection that is being closed.",
    )
    send_seconds: float = Field(
        default=30, gt=0, description="Seconds allowed for a caller to read 16 KiB of a response: 4.4 kbit/s."
    )
    connections: int = Field(default=10_000, ge=1, description="Maximum number of open connections.")
    connections_each: int = Field(
        default=1_000, ge=1, description="Maximum number of open connections from one address."
    )
    fast_path: Literal["on", "off"] = Field(
        default="on",
        description="`off` reads every request with aiohttp and carries every call with nats-py. A third slower; for locating a fault.",
    )
    streams: int = Field(
        default=64,
        ge=1,
        description="Maximum number of concurrent exports and event streams. Each holds at most 4 MB of evidence in memory.",
    )
    streams_each: int = Field(
        default=8,
        ge=1,
        description="Maximum number of concurrent exports and event streams of one system. A dashboard uses three.",
    )
    page_streams: int = Field(
        default=1_000,
        ge=1,
        description="Maximum number of concurrent streams by which open pages of the console stay live. Each takes about 25 KB of memory, on the page Messages 120 KB.",
    )
    page_streams_each: int = Field(
        default=32,
        ge=1,
        description="Maximum number of concurrent streams to the console of one person. A browser opens at most four, however many tabs it has.",
    )
    heavy_processes: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Worker processes that validate large documents. Each consumer occupies one at a time.",
    )
    heavy_seconds: float = Field(
        default=3, gt=0, description="Seconds allowed to validate one large document; 100,000 values take about 0.2 s."
    )
    events_per_second: int = Field(
        default=5_000,
        ge=1,
        description="Events that one system may publish to this gateway in a second; more are refused with `quota-exceeded`.",
    )
    evidence_batch_bytes: int = Field(
        default=512 * 1024,
        ge=16 * 1024,
        le=768 * 1024,
        description="Maximum size in bytes of one evidence message; below NATS's `max_payload` of 1 MiB.",
    )
    evidence_unwritten: int = Field(
        default=20_000,
        ge=100,
        description="Maximum number of evidence entries held in memory while none can be written, about 750 bytes each. Further ones are counted and logged.",
    )
    index_connections: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Maximum number of connections to the database of the search index. Further searches wait.",
    )

    files: str = Field(
        default="nats",
        description="Store of files: `nats` (a stream, replicated like the others), `s3://BUCKET/PREFIX` (with the usual AWS_ variables), or a"
        " folder, for a bus on one machine alone. The content is encrypted in each.",
    )
    files_scanner: str = Field(
        default="",
        description="Address of clamd, `tcp://HOST:PORT` or `unix:/PATH`. If it is set, no file can be used before it was scanned.",
    )
    files_max_mib: int = Field(
        default=2048,
        ge=1,
        le=1024 * 1024,
        description="Maximum size of one file in MiB, whatever contracts allow.",
    )
    agency_storage_mib: int = Field(
        default=20 * 1024,
        ge=1,
        description="Storage quota of each agency in MiB: its files, waiting messages, kept answers, events and dead letters. The document of an agency"
        " may set another (`storage`). An upload counts with its full size from its beginning, and each file with 64 KiB at least.",
    )
    nats_storage: Path | None = Field(
        default=None,
        description="Folder of JetStream's storage, where the NATS server is on this machine: the free space of its disk then counts beside"
        " the server's `max_file_store`.",
    )
    files_keep_days: float = Field(
        default=7,
        gt=0,
        le=90,
        description="Days for which a file is kept after its upload, and after a message began to refer to it; longer where the message is delivered later.",
    )

    @model_validator(mode="after")
    def _has_both_tls_files(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls-cert and tls-key belong together; give both, or neither")
        if (self.pkcs11_module is None) != (self.pkcs11_pin_file is None):
            raise ValueError("pkcs11-module and pkcs11-pin-file belong together; give both, or neither")
        if self.acme_directory and self.tls_cert is None:
            raise ValueError("acme-directory needs tls-cert and tls-key, the files that the certificate is written to")
        if self.acme_directory and not self.public_url.startswith("https://"):
            raise ValueError("acme-directory needs a public-url that begins with https://")
        return self

    @field_validator("fast_path", mode="before")
    @classmethod
    def _is_on_or_off(cls, value: object) -> object:
        """Read YAML's `on` and `off`, which are truth values there."""
        return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value

    @field_validator("name")
    @classmethod
    def _is_a_gateway_name(cls, value: str) -> str:
        if value:
            names.gateway_name(value)
        return value


class IndexerSettings(_NatsSettings):
    """The settings of the process that fills the search index."""

    index: str = Field(
        default=str(DEFAULT_STATE / "index.db"),
        description="Search index to fill: a SQLite file, created on first use, or `postgresql://USER@HOST/DATABASE` (password from PGPASSWORD or PGPASSFILE).",
    )
    keep_days: int = Field(
        default=0,
        ge=0,
        description="Days for which messages can be searched; 0 keeps them for ever. Evidence, proofs and statistics are not affected.",
    )


def _refuse_unknown_variables() -> None:
    """Refuse to start by a misspelt variable: pydantic-settings ignores it, and its default would count in silence."""
    known = {environment_name(name) for kind in (GatewaySettings, IndexerSettings) for name in kind.model_fields}
    named = [name for name in os.environ if name.upper().startswith(ENVIRONMENT_PREFIX)]
    unknown = sorted(name for name in named if name.upper() not in known)
    if unknown:
        raise CannotStart(
            vi=f"Không có biến môi trường {', '.join(unknown)}; hãy sửa tên hoặc bỏ đi. Xem các thiết lập bằng `lgsp gateway settings`.",
            en=f"No setting has the environment variable {', '.join(unknown)}; correct or unset it. See `lgsp gateway settings` for what there is.",
        )


Settings = TypeVar("Settings", GatewaySettings, IndexerSettings)


def read_settings(kind: type[Settings], config: Path | None = None) -> Settings:
    """Read the settings of a process that was given no flags.

    Args:
        config: the file of settings, where it is another than the environment names.

    Raises:
        Refusal: `cannot-start`, where one does not fit.
    """
    try:
        return kind(config=config) if config else kind()
    except ValidationError as error:
        raise invalid_setting(error) from error


def invalid_setting(error: ValidationError) -> Refusal:
    """Say which settings do not fit, and where they may be set.

    Returns:
        `cannot-start`. It repeats what is wrong with a value, and not the value: it may be a secret in the wrong place.
    """
    vi, en = [], []
    for name, first_error in _first_of_each(error).items():
        flag = "--" + name.replace("_", "-")
        if not name:
            vi.append(_lower_first(first_error["msg"]))
            en.append(_lower_first(first_error["msg"]))
            continue
        if first_error["type"] == "extra_forbidden":
            vi.append(f"không có thiết lập {flag[2:]}")
            en.append(f"there is no setting {flag[2:]}")
        else:
            vi.append(f"{flag} ({environment_name(name)}): giá trị không hợp lệ: {first_error['msg']}")
            en.append(f"{flag} ({environment_name(name)}): {_lower_first(first_error['msg'])}")
    return CannotStart(
        vi=f"{'; '.join(vi)}. Xem các thiết lập bằng `lgsp gateway settings`.",
        en=f"{'; '.join(en)}. See `lgsp gateway settings` for what there is.",
    )


def _lower_first(text: str) -> str:
    text = text.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _first_of_each(error: ValidationError) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for one in error.errors(include_url=False, include_input=False):
        settings.setdefault(str(one["loc"][0]) if one["loc"] else "", one)
    return settings


def environment_name(setting: str) -> str:
    """Return the environment variable of a setting: `LGSP_GW_PUBLIC_URL` of `public_url`."""
    return ENVIRONMENT_PREFIX + setting.upper()
