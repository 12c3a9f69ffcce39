"""The one refusal of verifying, so that everything that is not as it was signed reads alike to an auditor."""

from lgsp_problems import EvidenceForged, Refusal


def evidence_forged(vi: str, en: str) -> Refusal:
    """Return the refusal `evidence-forged`, for evidence that does not prove what it should.

    Args:
        vi, en: what does not fit, as a clause in Vietnamese and in English; it holds no value of an entry.
    """
    return EvidenceForged(
        vi=f"Bằng chứng không đúng: {vi}; đừng tin tài liệu này và hãy báo cho kiểm toán viên.",
        en=f"The evidence is not true: {en}; do not trust it, and tell an auditor.",
    )
