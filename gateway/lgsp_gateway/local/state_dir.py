"""The folder of a local bus (`.lgsp` by default): everything it keeps, and how other commands find it."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lgsp_problems import CannotStart, Refusal
from lgsp_runtime.state_paths import DEFAULT_STATE

DEFAULT = DEFAULT_STATE


@dataclass(frozen=True, slots=True)
class StateDir:
    """The layout of the folder."""

    root: Path

    @property
    def keys(self) -> Path:
        """Return the folder of the keys that sign tokens."""
        return self.root / "keys"

    @property
    def registry(self) -> Path:
        """Return the folder of the registry's documents."""
        return self.root / "registry"

    @property
    def credentials(self) -> Path:
        """Return the folder of the private keys and secrets of the demo systems."""
        return self.root / "credentials"

    @property
    def nats(self) -> Path:
        """Configuration, passwords and data of nats-server."""
        return self.root / "nats"

    @property
    def sandbox(self) -> Path:
        """Return the folder of the databases of the sandbox servers."""
        return self.root / "sandbox"

    @property
    def logs(self) -> Path:
        """Return the folder of the logs, one file for each process."""
        return self.root / "logs"

    @property
    def index(self) -> Path:
        """Return the file of the search index of the evidence."""
        return self.root / "index.db"

    @property
    def issuers(self) -> Path:
        """Return the file of the issuer that citizens sign in with: a new one for each start."""
        return self.root / "issuers.yaml"

    @property
    def running_file(self) -> Path:
        """Return the file in which a running bus describes itself."""
        return self.root / "running.json"

    def make(self) -> None:
        """Make the folders.

        Raises:
            Refusal: `cannot-start`, when the place cannot be written.
        """
        try:
            for folder in (self.root, self.keys, self.registry, self.credentials, self.nats, self.sandbox, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.root / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise CannotStart(
                vi=f"Không ghi được vào thư mục {self.root}: {error.strerror}; hãy chọn thư mục khác bằng --state-dir.",
                en=f"Cannot write to the folder {self.root}: {error.strerror}; choose another with --state-dir.",
            ) from error

    def lock(self) -> int:
        """Keep this folder to this process, as long as it lives (also through kill -9).

        Raises:
            Refusal: `cannot-start`, when another process has it.
        """
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise CannotStart(
                vi=f"Đã có một trục chạy với thư mục {self.root}; hãy dừng nó, hoặc chọn thư mục khác bằng --state-dir.",
                en=f"Another bus runs on the folder {self.root}; stop it, or choose another folder with --state-dir.",
            ) from error
        return descriptor

    def running(self) -> dict[str, Any]:
        """Return the description of the running bus, as `running.json` contains it.

        Raises:
            Refusal: `bus-not-found`.
        """
        try:
            description: dict[str, Any] = orjson.loads(self.running_file.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise Refusal(
                "bus-not-found",
                vi=f"Không có trục nào đang chạy với thư mục {self.root}; hãy chạy ./lgsp up, hoặc chỉ thư mục bằng --state-dir.",
                en=f"No bus runs on the folder {self.root}; start it with ./lgsp up, or name its folder with --state-dir.",
            ) from error
        return description
