"""What agencies have stored, as a table: `lgsp quota` shows that of one agency, `lgsp storage` that of all."""

from collections.abc import Mapping, Sequence
from typing import Any

from lgsp_contracts.cli.terminal import err, language
from lgsp_contracts.file_references import format_size
from lgsp_gateway.cli import tables
from lgsp_problems import Text

_TITLES = ("AGENCY", "USED", "QUOTA", "USE%", "MESSAGES", "DEAD-LETTERS", "FILES")
_NEARLY_USED = 0.8
"""The share of a quota from which on something should be done."""


def show(agencies: Sequence[Mapping[str, Any]]) -> None:
    """Print a row for each agency, and on stderr what to do about a quota that is nearly used.

    Args:
        agencies: `StorageUsage` objects of the HTTP API.
    """
    tables.show(_TITLES, (_row(agency) for agency in agencies))
    for agency in agencies:
        if _share(agency) >= _NEARLY_USED:
            err(f"{_warning(agency).in_language(language())}\n")


def _row(agency: Mapping[str, Any]) -> list[str]:
    quota = agency.get("quotaBytes")
    return [
        agency["agency"] or tables.NO_VALUE,
        format_size(agency["usedBytes"]),
        tables.NO_VALUE if quota is None else format_size(quota),
        tables.NO_VALUE if quota is None else f"{_share(agency):.0%}",
        *(format_size(agency[name]) for name in ("messageBytes", "deadLetterBytes", "fileBytes")),
    ]


def _share(agency: Mapping[str, Any]) -> float:
    quota = agency.get("quotaBytes")
    return float(agency["usedBytes"] / quota) if quota else 0.0


def _warning(agency: Mapping[str, Any]) -> Text:
    code, share = agency["agency"], f"{_share(agency):.0%}"
    return Text(
        f"{code} đã dùng {share} hạn mức lưu trữ; hãy xóa tệp không cần nữa, xử lý thông điệp không giao được, chờ thông điệp được giao, hoặc tăng hạn mức, trước khi dữ liệu mới bị từ chối.",
        f"{code} has used {share} of its storage quota; delete files, deal with dead letters, wait until messages are delivered, or have the quota raised, before new content is refused.",
    )
