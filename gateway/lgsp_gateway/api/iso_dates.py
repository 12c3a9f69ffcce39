"""Dates in the bodies of requests."""

import datetime
import re

from lgsp_problems import Refusal

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_date(text: str) -> str:
    """Return a date as it was sent, or an empty text.

    Raises:
        Refusal: `malformed`, where it is no ISO 8601 date.
    """
    if text and not _is_date(text):
        raise Refusal(
            "malformed",
            vi="until phải là ngày theo ISO 8601, ví dụ 2026-12-31; hãy sửa lại.",
            en="`until` must be an ISO 8601 date, such as 2026-12-31; correct it.",
        )
    return text


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text)) and datetime.date.fromisoformat(text) is not None
    except ValueError:
        return False
