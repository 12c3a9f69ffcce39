"""What a system answered over HTTP, before anybody reads it as a document."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.text.charsets import UndecodableError, decode
from lgsp_contracts.wire import Failure

SHOWN = 600
"""Characters of an answer that an integrator is shown on the terminal."""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer.

    Args:
        where: what was asked of whom, as logs may say it: `GET records.example.vn/records/{request.soDinhDanh}`, without values.
        media_type, charset: of `Content-Type`, in lower case; "" where it says nothing.
        content_type: the whole of it, with its parameters.
        cookies: those that this answer sets, by name.
    """

    status: int
    content: bytes
    where: str = ""
    media_type: str = ""
    charset: str = ""
    content_type: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Tell whether the status is 2xx."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """Decode the content.

        Raises:
            UndecodableError: in no character set that it names.
        """
        return decode(self.content, self.charset)

    def failed(self, why: Failure, note: str, *, said: str = "") -> UpstreamFailed:
        """Make the error for this response: `note` is for the log; `said` and the response's own text are for the integrator."""
        words = f"{printable_text(said)}\n{self.said()}" if said else self.said()
        return UpstreamFailed(why, f"{self.where}: {note}" if self.where else note, said=words)

    def bad_status(self) -> UpstreamFailed:
        """Make the error for this response's HTTP status."""
        note = f"HTTP {self.status}" + (", a redirect, which is not followed" if 300 <= self.status < 400 else "")
        return self.failed("refused" if self.status in (401, 403) else "broken", note)

    def said(self) -> str:
        """Return the status and the first characters, for the terminal of an integrator alone."""
        try:
            text = self.text()[:SHOWN]
        except UndecodableError:
            text = self.content[: SHOWN * 4].decode(errors="replace")[:SHOWN]
        return f"HTTP {self.status} {self.media_type}: {printable_text(text).strip() or '(nothing)'}"


def printable_text(text: str) -> str:
    """Make a system's text harmless to a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
