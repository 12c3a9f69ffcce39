"""The page of the stand-in issuer on which one chooses a made-up citizen. It says in both languages that it is no identity service."""

import html
from collections.abc import Iterable

from aiohttp import web

_STYLE = """
:root { color-scheme: light dark; font: 18px/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 0 auto; padding: 16px; overflow-wrap: anywhere; }
a { display: block; margin: 0 0 12px; padding: 12px 16px; border: 2px solid; border-radius: 10px; font-weight: 600; }
[lang=en] { color: light-dark(#495057, #ced4da); }
"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def page(links: Iterable[tuple[str, str, str]]) -> web.Response:
    """Return the page.

    Args:
        links: where each choice leads, the citizen's name and number.
    """
    choices = "".join(
        f'<a href="{html.escape(href)}">{html.escape(name)}, {html.escape(number)}</a>' for href, name, number in links
    )
    text = f"""<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Đăng nhập minh họa</title><style>{_STYLE}</style></head><body><main>
<h1>Đăng nhập minh họa</h1>
<p>Trang này thay cho VNeID khi chạy thử trên máy của bạn và không hỏi mật khẩu. Hãy chọn một công dân không có thật:</p>
{choices}
<p lang="en">This page stands in for VNeID on your machine and asks for no password. Choose a made-up citizen.</p>
</main></body></html>
"""
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)
