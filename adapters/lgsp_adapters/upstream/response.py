"""The response of a system over HTTP, before it is parsed as a document."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from yarl import URL

from lgsp_adapters.adapter import LimitReached, UpstreamFailed
from lgsp_adapters.text.charset_detection import UndecodableError, decode
from lgsp_contracts.wire import MAX_RETRY_AFTER, Failure

TOO_MANY_REQUESTS = 429
_SECONDS = re.compile(r"[0-9]{1,9}")
MAX_EXCERPT = 600
"""Characters of an answer that are printed on an integrator's terminal."""


class StoredFile(NamedTuple):
    """The body of an answer, as a file of the bus."""

    reference: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Response:
    """One answer.

    Args:
        where: the request, as logs may name it: `GET records.example.vn/records/{request.soDinhDanh}`, without values.
        media_type, charset: of `Content-Type`, in lower case; "" where it is absent.
        content_type: the whole of it, with its parameters.
        cookies: those that this answer sets, by name.
        headers: by name in lower case; several of one name joined by commas.
        url: what was asked.
        stored: the file that its body became; its content is empty then.
    """

    status: int
    content: bytes
    where: str = ""
    media_type: str = ""
    charset: str = ""
    content_type: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    url: URL | None = None
    stored: StoredFile | None = None

    @property
    def is_success(self) -> bool:
        """Tell whether the status is 2xx."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """Decode the content.

        Raises:
            UndecodableError: in no character set that it names.
        """
        return decode(self.content, self.charset)

    def failed(self, why: Failure, note: str, *, upstream_message: str = "") -> UpstreamFailed:
        """Make the error for this response: `note` is for the log; `upstream_message` and the response's own text are for the integrator."""
        message = f"{printable_text(upstream_message)}\n{self.excerpt()}" if upstream_message else self.excerpt()
        return UpstreamFailed(why, f"{self.where}: {note}" if self.where else note, upstream_message=message)

    def bad_status(self) -> UpstreamFailed | LimitReached:
        """Make the error for this response's HTTP status; 429 is the provider's own word that its limit is reached."""
        if self.status == TOO_MANY_REQUESTS:
            seconds = self.headers.get("retry-after", "")
            retry_after = min(int(seconds), MAX_RETRY_AFTER) if _SECONDS.fullmatch(seconds) else 1
            return LimitReached(f"{self.where}: HTTP {self.status}", max(1, retry_after), was_sent=True)
        note = f"HTTP {self.status}" + (", a redirect, which is not followed" if 300 <= self.status < 400 else "")
        return self.failed("refused" if self.status in (401, 403) else "broken", note)

    def excerpt(self) -> str:
        """Return the status and the first characters, for an integrator's terminal only."""
        try:
            text = self.text()[:MAX_EXCERPT]
        except UndecodableError:
            text = self.content[: MAX_EXCERPT * 4].decode(errors="replace")[:MAX_EXCERPT]
        return f"HTTP {self.status} {self.media_type}: {printable_text(text).strip() or '(nothing)'}"


def printable_text(text: str) -> str:
    """Make a system's text harmless to a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
