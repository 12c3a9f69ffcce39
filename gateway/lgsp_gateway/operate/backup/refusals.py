"""The refusals of backups that several modules raise."""

from lgsp_problems import Refusal


def backup_damaged(vi: str, en: str) -> Refusal:
    """Return the refusal of a backup that is not whole.

    Args:
        vi, en: what is wrong, as the beginning of a sentence.
    """
    return Refusal(
        "backup-damaged",
        vi=f"Bản sao lưu không toàn vẹn: {vi}; hãy dùng bản sao khác (`lgsp backup list`).",
        en=f"The backup is not whole: {en}; use another one (`lgsp backup list`).",
    )
