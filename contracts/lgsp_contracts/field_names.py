"""Names of fields compared with the names of columns.

Offices name columns in any spelling: `Họ và tên`, `HO_VA_TEN`, `ho_va_ten`. The field is `hoVaTen` for all of them: an accent is
taken off its letter, which stays.
"""

import re
import unicodedata
from functools import lru_cache

_NO_DECOMPOSITION = str.maketrans("đĐ", "dD")
"""Unicode knows `đ` as a letter of its own and not as a `d` with a stroke."""


def unaccented(text: str) -> str:
    """Return a text whose letters have lost their accents: `Họ và tên` → `Ho va ten`."""
    decomposed = unicodedata.normalize("NFD", text.translate(_NO_DECOMPOSITION))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@lru_cache(maxsize=4096)
def comparable(name: str) -> str:
    """Return what the spellings of one name have in common: `Họ và tên`, `HO_VA_TEN` and `hoVaTen` → `hovaten`."""
    return re.sub(r"[^a-z0-9]", "", unaccented(name).lower())
