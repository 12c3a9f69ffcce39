"""Names of people, as two systems have to compare them."""

from lgsp_adapters.text.normalization import nfc


def fold_name(name: str) -> str:
    """Fold the name of a person for comparison: one spelling of each accent, whatever the case and the spaces."""
    return " ".join(nfc(name).casefold().split())
