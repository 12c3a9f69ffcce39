"""The check of the certificates that a gateway uses: one that ends unseen stops every caller at once."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from lgsp_contracts.time_zone import iso_time
from lgsp_problems import Text
from lgsp_runtime.tls import valid_until

WARNING_SECONDS = 7 * 86_400
"""Before its end from which on a certificate fails the check."""


class CertificateChecks:
    """The check of the certificates in some files.

    Args:
        files: a chain of the gateway itself, or authorities that it trusts.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files

    def by_name(self) -> Mapping[str, Callable[[], Awaitable[Text | None]]]:
        """Return the check by the name under which `lgsp doctor` and the metrics show it."""
        return {"certificates": self._check}

    def ends(self) -> dict[str, float]:
        """Return when the certificates end, by their files, in seconds since 1970; without those that cannot be read."""
        found = {}
        for file in self._files:
            try:
                found[str(file)] = valid_until(file)
            except (OSError, ValueError):  # the check says so
                continue
        return found

    async def _check(self) -> Text | None:
        ends = self.ends()
        unreadable = ", ".join(str(file) for file in self._files if str(file) not in ends)
        if unreadable:
            return Text(
                f"Không đọc được chứng thư trong {unreadable}; hãy kiểm tra quyền và định dạng PEM của tệp.",
                f"The certificates in {unreadable} cannot be read; check the rights and the PEM format of the file.",
            )
        now = time.time()
        ending = ", ".join(f"{file} ({iso_time(end)})" for file, end in ends.items() if end - now < WARNING_SECONDS)
        if not ending:
            return None
        return Text(
            f"Chứng thư của gateway sắp hoặc đã hết hạn: {ending}; hãy thay tệp bằng chứng thư mới, không cần khởi động lại.",
            f"Certificates of the gateway end soon or have ended: {ending}; replace the file by a new certificate, no restart is needed.",
        )
