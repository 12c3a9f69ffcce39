"""What is announced of a service, as response headers: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and `Lgsp-Suspension`, a planned suspension as an
ISO 8601 interval.
"""

from datetime import UTC, datetime
from email.utils import formatdate

from lgsp_gateway.registry.lifecycle.announcements import Announcement

_LAST_DATE = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""The last second that an HTTP date can express."""


def announcement_headers(announcement: Announcement | None) -> dict[str, str]:
    """Return the headers that tell callers of an announcement: name to value; none where nothing is announced."""
    headers: dict[str, str] = {}
    if announcement is None:
        return headers
    if announcement.sunset:
        headers["Deprecation"] = f"@{int(announcement.deprecated_since)}"
        headers["Sunset"] = formatdate(min(max(announcement.sunset, 0), _LAST_DATE), usegmt=True)
    if announcement.suspension:
        headers["Lgsp-Suspension"] = announcement.suspension.notice()
    return headers
