"""aiohttp's server, taught to refuse what is not HTTP as the bus refuses everything else.

By default it quotes the bad bytes back in plain text; here the answer is a problem document and the bytes stay out of
answer and log.
"""

import structlog
from aiohttp import web

from lgsp_gateway.web import problems
from lgsp_problems import Refusal


class Listener(web.Server):
    """A low-level server whose protocol errors are problem documents."""

    def __call__(self) -> web.RequestHandler:
        """The protocol of one connection."""
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        structlog.get_logger().info("not http", status=status, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        response = problems.answer(_malformed() if status < 500 else fault(), request)
        response.force_close()
        return response


def _malformed() -> Refusal:
    return Refusal(
        "malformed",
        vi="Đây không phải yêu cầu HTTP hợp lệ; hãy kiểm tra dòng đầu và các tiêu đề rồi gửi lại.",
        en="This is not a valid HTTP request; check its first line and headers and send it again.",
    )


def fault() -> Refusal:
    """The refusal for an error of the bus itself."""
    return Refusal(
        "internal-error",
        vi="Trục gặp lỗi bên trong; hãy thử lại, và báo cho đơn vị vận hành trục nếu lỗi còn.",
        en="The bus made an error; try again, and tell its operator if it stays.",
    )
