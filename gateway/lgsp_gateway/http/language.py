"""Which of the two languages a caller reads (RFC 9110, section 12.5.4): Vietnamese, unless it prefers English."""

from aiohttp import hdrs, web

from lgsp_problems import Language


def accepted_language(request: web.BaseRequest) -> Language:
    """Return the language to answer a request in, by its `Accept-Language` alone."""
    return preferred_language(request.headers.get(hdrs.ACCEPT_LANGUAGE))


def preferred_language(accept_language: str | None) -> Language:
    """Return the language to answer in, by the value of an `Accept-Language` header (None: Vietnamese)."""
    best: dict[str, float] = {}
    for part in (accept_language or "").lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        language = tag.split("-")[0].strip()
        best[language] = max(weight, best.get(language, 0.0))
    fallback = best.get("*", 0.0)
    return "en" if best.get("en", fallback) > best.get("vi", fallback) else "vi"
