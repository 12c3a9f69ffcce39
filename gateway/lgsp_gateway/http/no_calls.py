"""The face of a gateway that answers no calls: one that only delivers has a port for health and metrics."""

from aiohttp import web
from multidict import MultiMapping

from lgsp_gateway.http.raw_response import RawResponse
from lgsp_problems import NotFound


class NoCalls:
    """Refuses each call."""

    def names_call(self, path: str) -> bool:
        """Tell that no path is one of a call; see `CallHandler`."""
        return False

    def read_head(self, method: str, path: str, headers: MultiMapping[str], address: str) -> None:
        """Make nothing of a head; see `CallHandler`."""

    def may_come_again(self, head: None) -> bool:
        """Tell that no head is kept; see `CallHandler`."""
        return False

    async def answer(self, head: None, body: bytes) -> RawResponse:
        """Refuse; see `CallHandler`.

        Raises:
            Refusal: `not-found`.
        """
        raise _delivers_alone()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Refuse; see `Face`.

        Raises:
            Refusal: `not-found`.
        """
        raise _delivers_alone()


def _delivers_alone() -> NotFound:
    return NotFound(
        vi="Tiến trình này chỉ giao thông điệp và sự kiện; hãy gọi địa chỉ của một gateway có vai trò http.",
        en="This process delivers messages and events alone; call the address of a gateway that has the role http.",
    )
