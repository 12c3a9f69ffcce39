"""An adapter on a machine of the office whose system it stands before: its manifest, key, secrets, and the unit that runs it.

Such a machine has no bus and no operator of one. So everything that can be wrong, with its addresses, certificates, key or manifest, shows
in a trial of the adapter itself, before a file is written.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lgsp_contracts import documents
from lgsp_contracts.names import system_name
from lgsp_problems import CannotStart, Refusal, on_one_line
from lgsp_runtime import authorities, durable_file

FOLDER = Path("/etc/lgsp/adapters")
TRIAL_SECONDS = 60.0
_KEPT = ("LGSP_MANIFEST", "LGSP_NATS", "LGSP_GATEWAY", "LGSP_OPTIONS", authorities.VARIABLE)


@dataclass(frozen=True, slots=True)
class AdapterInstallation:
    """An adapter that is to run on this machine.

    Args:
        name: of the instance of its unit.
        manifest: the file of its manifest, or the name of one that comes with lgsp.
        nats, gateway: addresses of the bus.
        key: the private key of its system (PEM).
        contracts: the folder with its contract; None for those that come with lgsp.
        ca: authorities of gateway and NATS; None for those that the machine trusts.
        secrets: a file with the environment variables that the manifest names; None where it names none, or they stay as they are.
    """

    name: str
    manifest: str
    nats: str
    gateway: str
    key: Path
    contracts: Path | None
    ca: Path | None
    secrets: Path | None

    def __post_init__(self) -> None:
        """Refuse what the unit could not be named, or would not find.

        Raises:
            Refusal: `cannot-start` or `malformed`.
        """
        system_name(self.name)
        missing = [
            str(path) for path in (self.key, self.contracts, self.ca, self.secrets) if path and not path.exists()
        ]
        if missing:
            raise CannotStart(
                vi=f"Không có {', '.join(missing)}; hãy kiểm tra đường dẫn.",
                en=f"There is no {', '.join(missing)}; check the path.",
            )

    @property
    def has_own_manifest(self) -> bool:
        """Tell whether the manifest is a file of its own, not one that comes with lgsp."""
        return Path(self.manifest).exists()

    def attempt(self) -> None:
        """Run the adapter until it answers on the bus, and stop it.

        Raises:
            Refusal: `cannot-start`, with what the adapter said.
        """
        command = [sys.executable, "-m", "lgsp_gateway", "adapter", "run", self.manifest]
        command += ["--nats", self.nats, "--gateway", self.gateway, "--keys", str(self.key.parent)]
        command += ["--catalog", str(self.contracts)] if self.contracts else []
        environment = {**os.environ, **self._secret_variables(), "PYTHONUNBUFFERED": "1"}
        environment |= {authorities.VARIABLE: str(self.ca)} if self.ca else {}
        with subprocess.Popen(  # noqa: S603 - this command
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, env=environment
        ) as trial:
            ready = _becomes_ready(trial)
            trial.send_signal(signal.SIGTERM)
            said = trial.communicate()[1].decode(errors="replace")
        if not ready:
            last = [line.removeprefix("lgsp: ") for line in said.splitlines() if line.startswith("lgsp: ")]
            why = on_one_line(last[-1]) if last else "-"
            raise CannotStart(
                vi=f"Bộ kết nối không chạy được với các thông tin này, nên chưa cài gì: {why}",
                en=f"The adapter does not run with what was given, so nothing was installed: {why}",
            )

    def write(self, root: Path) -> list[Path]:
        """Write manifest, contracts, key, authorities and environment of the adapter, and return the files.

        Args:
            root: of the file system.

        Raises:
            Refusal: `cannot-start`.
        """
        base = root / FOLDER.relative_to("/")
        own = base / self.name
        try:
            for folder, mode in ((base, 0o755), (own, 0o755), (base / "keys", 0o700)):
                durable_file.make_folder(folder, mode)
            written = [*self._copy_manifest(own), self._copy_key(base / "keys")]
            if self.ca:
                durable_file.write(own / "ca.pem", self.ca.read_bytes(), 0o644)
                written.append(own / "ca.pem")
            environment = base / f"{self.name}.env"
            durable_file.write(environment, self._environment(environment).encode())
        except OSError as error:
            raise CannotStart(
                vi=f"Không ghi được {error.filename}: {error.strerror}; hãy chạy với quyền root.",
                en=f"Cannot write {error.filename}: {error.strerror}; run this as root.",
            ) from error
        return [*written, environment]

    def _copy_manifest(self, folder: Path) -> list[Path]:
        copied = []
        if self.has_own_manifest:
            file = Path(self.manifest)
            file = file / "adapter.yaml" if file.is_dir() else file
            shutil.copytree(file.parent, folder / "manifest", dirs_exist_ok=True, ignore=self._private_names)
            self._remove_private(file.parent, folder / "manifest")
            (folder / "manifest").chmod(
                0o755
            )  # where it lay only its owner may have got to it, and now the adapter must
            if file.name != "adapter.yaml":
                (folder / "manifest" / file.name).replace(folder / "manifest" / "adapter.yaml")
            copied.append(folder / "manifest" / "adapter.yaml")
        if self.contracts:
            shutil.copytree(self.contracts, folder / "contracts", dirs_exist_ok=True, ignore=self._private_names)
            self._remove_private(self.contracts, folder / "contracts")
            copied.append(folder / "contracts")
        return copied

    def _private_names(self, folder: str, names: list[str]) -> set[str]:
        """Return what everybody could read where it was copied, and what is written elsewhere for its user alone: key and secrets, under
        whatever name; and hidden files, which a home has."""
        private = {file.resolve() for file in (self.key, self.secrets) if file}
        usual = {name for name in names if name.startswith(".") or name.endswith((".pem", ".key", ".env"))}
        return usual | {name for name in names if (Path(folder) / name).resolve() in private}

    def _remove_private(self, source: Path, copied: Path) -> None:
        """Remove the copies of key and secrets that an earlier installation may have made."""
        for file in filter(None, (self.key, self.secrets)):
            if file.resolve().is_relative_to(source.resolve()):
                (copied / file.resolve().relative_to(source.resolve())).unlink(missing_ok=True)

    def _secret_variables(self) -> dict[str, str]:
        return read_environment(self.secrets) if self.secrets else {}

    def _copy_key(self, folder: Path) -> Path:
        file = folder / self.key.name
        durable_file.write(file, self.key.read_bytes())
        return file

    def _environment(self, file: Path) -> str:
        """Return the environment of the unit; secrets that are there and are not given anew stay."""
        own = FOLDER / self.name
        known = {
            "LGSP_MANIFEST": str(own / "manifest" / "adapter.yaml") if self.has_own_manifest else self.manifest,
            "LGSP_NATS": self.nats,
            "LGSP_GATEWAY": self.gateway,
            "LGSP_OPTIONS": f"--catalog {own / 'contracts'}" if self.contracts else "",
            **({authorities.VARIABLE: str(own / "ca.pem")} if self.ca else {}),
        }
        before = read_environment(file) if file.exists() else {}
        kept = {name: value for name, value in before.items() if name not in _KEPT}
        return "".join(
            f"{name}={_quoted(value)}\n" for name, value in {**known, **kept, **self._secret_variables()}.items()
        )


def read_environment(file: Path) -> dict[str, str]:
    """Read lines `NAME=VALUE`, as systemd's EnvironmentFile has them.

    Raises:
        Refusal: `cannot-start`.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise _unreadable(file) from error
    found = {}
    for line in (line.strip() for line in lines):
        name, equals, value = line.partition("=")
        if line and not line.startswith("#"):
            if not equals or not name.isidentifier():
                raise _unreadable(file)
            found[name] = _unquoted(value)
    return found


def system_of(manifest: str) -> str:
    """Return the system that a manifest of its own names; "" for one that comes with lgsp.

    Raises:
        Refusal: `invalid-document`.
    """
    file = Path(manifest)
    if not file.exists():
        return ""
    _, document = documents.read_first(file / "adapter.yaml" if file.is_dir() else file)
    return str(document.get("system", "")) if isinstance(document, dict) else ""


def _becomes_ready(trial: "subprocess.Popen[bytes]") -> bool:
    """Tell whether a process says READY before it ends or the time is over."""
    assert trial.stdout
    said, until = b"", time.monotonic() + TRIAL_SECONDS
    while b"READY" not in said:
        readable, _, _ = select.select([trial.stdout], [], [], max(0.0, until - time.monotonic()))
        more = trial.stdout.read(4096) if readable else b""
        if not more:
            return False
        said += more
    return True


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if value else ""


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value


def _unreadable(file: Path) -> Refusal:
    return CannotStart(
        vi=f"Tệp {file} phải gồm các dòng TÊN=GIÁ_TRỊ; hãy kiểm tra đường dẫn và nội dung.",
        en=f"{file} must hold lines NAME=VALUE; check its path and content.",
    )
