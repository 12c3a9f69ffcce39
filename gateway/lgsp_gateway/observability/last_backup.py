"""When the last backup was made, so that backups that have ceased are noticed before one is needed.

The user of NATS that makes backups may write nothing there, and the place of the backups is not known to the gateways. So `lgsp backup create`
leaves the time in the folder of keys, which it reads anyway and which the gateway of the same machine reads too.
"""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import orjson
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_problems import Text
from lgsp_runtime import durable_file

STATUS_FILE = "backup-status.json"
MAX_AGE_SECONDS = 25 * 3600.0
"""A backup a day, and an hour for it to run."""


def record_backup(keys: Path, began: float) -> None:
    """Write down that a backup was made.

    Args:
        keys: the folder of keys of the bus.
        began: when it was begun, in seconds since 1970: what came later is not in it.

    Raises:
        OSError: the folder cannot be written to.
    """
    durable_file.write(keys / STATUS_FILE, orjson.dumps({"began": began}))


class LastBackup(Collector):
    """The time of the last backup that was made on this machine, as a metric and as a check.

    Args:
        keys: the folder of keys of the bus.
    """

    def __init__(self, keys: Path) -> None:
        self._file = keys / STATUS_FILE

    def by_name(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the check by the name under which `lgsp doctor` and the metrics show it."""
        return {"backups": self._check}

    def began(self) -> float | None:
        """Return when the last backup was begun, in seconds since 1970; None where this machine has made none.

        Raises:
            OSError: the file cannot be read.
            ValueError: it says no time.
        """
        try:
            status = orjson.loads(self._file.read_bytes())
        except FileNotFoundError:
            return None
        if not isinstance(status, dict) or not isinstance(status.get("began"), (int, float)):
            raise ValueError(self._file)
        return float(status["began"])

    def collect(self) -> Iterator[Metric]:
        """Return the time as a sample; none where it is not known."""
        try:
            began = self.began()
        except (OSError, ValueError):  # the check says so
            began = None
        if began is not None:
            last = ("lgsp_backup_last_success_timestamp_seconds", "When the last good backup was begun")
            yield GaugeMetricFamily(*last, value=began)
            age = ("lgsp_backup_age_seconds", "Seconds since the last good backup was begun")
            yield GaugeMetricFamily(*age, value=max(0.0, time.time() - began))

    async def _check(self) -> Text | None:
        try:
            began = self.began()
        except (OSError, ValueError):
            return Text(
                f"Không đọc được {self._file}, nên không biết bản sao lưu gần nhất; hãy kiểm tra quyền, rồi chạy `lgsp backup create`, lệnh này ghi lại tệp.",
                f"{self._file} cannot be read, so nobody knows of the last backup; check its rights, then run `lgsp backup create`, which writes it anew.",
            )
        if began is None or time.time() - began < MAX_AGE_SECONDS:
            return None
        hours = round((time.time() - began) / 3600)
        return Text(
            f"Bản sao lưu gần nhất đã cũ {hours} giờ; hãy xem nhật ký của lgsp-backup.service, sửa nguyên nhân, rồi chạy `lgsp backup create`.",
            f"The last backup is {hours} hours old; read the log of lgsp-backup.service, mend the cause, and run `lgsp backup create`.",
        )
