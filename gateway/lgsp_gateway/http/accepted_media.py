"""Whether a client prefers a page or a document (RFC 9110, section 12.5.1), where one path has both."""

HTML = "text/html"


def prefers_html(accept: str | None) -> bool:
    """Tell whether an `Accept` header names HTML before JSON. A program that accepts anything gets JSON.

    Args:
        accept: the value of the header; None where none was sent.
    """
    weights = {"text/html": 0.0, "application/json": 0.0}
    for part in (accept or "").lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        if media in weights:
            weights[media] = max(weights[media], _weight(parameters))
    return weights["text/html"] > weights["application/json"]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
