"""The certificates in the files of a gateway: when they end, and whether they can be read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from lgsp_problems import Text
from lgsp_runtime.tls import valid_until


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
        return None
