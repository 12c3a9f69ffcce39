"""A REST API behind a login, to connect to the bus: a token server, and a register of household businesses in numbered pages.

    python3 server.py http://127.0.0.1:8461 http://127.0.0.1:8462

The first address is that of the API, the second that of the token server. The client is `lgsp`, its secret `p@ss word/+&=%`. The API
answers 429 to more than ten requests in a second. It needs nothing but Python.
"""

import base64
import json
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote_plus, urlsplit

CLIENT, SECRET = "lgsp", "p@ss word/+&=%"
TOKEN_SECONDS, PAGE, MOST_PER_SECOND = 300, 2, 10
WARDS = {
    "06676": [
        ("22A8000101", "Tạp hóa An Bình", "Nguyễn Văn An", "17/05/2019", "4711"),
        ("22A8000102", "Quán phở Hạ Long", "Trần Thị Bình", "02/01/2021", "5610"),
        ("22A8000103", "Sửa xe Minh", "Lê Minh", "30/11/2023", "4542"),
        ("22A8000104", "May đo Cẩm", "Phạm Thị Cẩm", "08/03/2024", "1410"),
        ("22A8000105", "Thuốc Dũng", "Vũ Dũng", "19/08/2025", "4772"),
    ],
    "06679": [],
}
tokens: dict[str, float] = {}
times: list[float] = []
counting = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """What both servers share."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int, document: object) -> None:
        """Send a document."""
        body = json.dumps(document, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""


class TokenServer(Handler):
    """`POST /oauth2/token`: client credentials, the client authenticated by HTTP Basic (RFC 6749, section 2.3.1)."""

    def do_POST(self) -> None:
        """Hand out a token."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        pair = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        client, _, secret = pair.partition(":")
        if (unquote_plus(client), unquote_plus(secret)) != (CLIENT, SECRET):
            self.answer(401, {"error": "invalid_client"})
        elif form.get("grant_type") != ["client_credentials"] or form.get("scope") != ["households.read"]:
            self.answer(400, {"error": "invalid_scope"})
        else:
            token = secrets.token_urlsafe()
            tokens[token] = time.monotonic() + TOKEN_SECONDS
            self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})


class Api(Handler):
    """`GET /api/households?ward=06676&page=1`: two on a page; it does not say which page it is."""

    def do_GET(self) -> None:
        """Answer one page."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        with counting:
            now = time.monotonic()
            times[:] = [moment for moment in times if now - moment < 1]
            times.append(now)
            too_many = len(times) > MOST_PER_SECOND
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if too_many:
            self.answer(429, {"error": "TOO_MANY_REQUESTS"})
        elif tokens.get(token, 0.0) < time.monotonic():
            self.answer(401, {"error": "TOKEN"})
        elif query.get("ward") not in WARDS:
            self.answer(200, {"error": "UNKNOWN_WARD"})
        else:
            first = PAGE * (int(query.get("page", "1")) - 1)
            rows = WARDS[query["ward"]]
            names = ("code", "name", "owner", "issued", "industry")
            data = [{"ward": query["ward"], **dict(zip(names, row, strict=True))} for row in rows[first : first + PAGE]]
            self.answer(200, {"data": data, "totalPages": -(-len(rows) // PAGE)})


def serve(address: str, handler: type[Handler]) -> None:
    """Answer at an address until the process ends."""
    parts = urlsplit(address)
    ThreadingHTTPServer((parts.hostname or "", parts.port or 80), handler).serve_forever()


if __name__ == "__main__":
    threading.Thread(target=serve, args=(sys.argv[2], TokenServer), daemon=True).start()
    serve(sys.argv[1], Api)
