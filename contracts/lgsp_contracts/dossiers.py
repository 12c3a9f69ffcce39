"""The number of the dossier for which data is asked: written into the evidence, which is kept for ever, and shown to the citizen.

So it must be a number of a dossier and nothing else: it has no spaces, and a personal number within it is refused, though not every
number of twelve digits that an office counts by.
"""

import re
from typing import NewType

from lgsp_contracts.formats import FORMAT_CHECKS
from lgsp_problems import Refusal

DossierReference = NewType("DossierReference", str)

HEADER = "Lgsp-Reference"
"""The request header that carries it."""
MAX_LENGTH = 64
PATTERN = "^[A-Za-z0-9]([A-Za-z0-9./_-]{0,62}[A-Za-z0-9])?$"
_REFERENCE = re.compile(PATTERN.removesuffix("$") + r"\Z")
_DIGITS = re.compile("[0-9]+")
_is_personal_number = FORMAT_CHECKS["so-dinh-danh"]


def read_dossier_reference(text: str) -> DossierReference:
    """Read the number of a dossier.

    Raises:
        Refusal: `reference-invalid`.
    """
    if not _REFERENCE.match(text):
        raise Refusal(
            "reference-invalid",
            vi=f"Mã hồ sơ trong {HEADER} gồm 1 đến {MAX_LENGTH} chữ cái không dấu, chữ số, dấu chấm, gạch ngang, gạch dưới hoặc gạch chéo; hãy sửa lại mã.",
            en=f"The number of the dossier in {HEADER} has 1 to {MAX_LENGTH} letters without accents, digits, dots, hyphens, underscores and slashes; correct it.",
        )
    if any(map(_is_personal_number, _DIGITS.findall(text))):
        raise Refusal(
            "reference-invalid",
            vi=f"Mã hồ sơ trong {HEADER} không được chứa số định danh cá nhân, vì nó được lưu lâu dài; hãy nêu mã hồ sơ.",
            en=f"The number of the dossier in {HEADER} must contain no personal number, since it is kept for ever; give the number of the dossier.",
        )
    return DossierReference(text)
