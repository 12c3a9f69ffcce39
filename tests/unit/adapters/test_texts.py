"""The same letters are the same text, however a caller, a system or a manifest wrote them."""

import unicodedata
from typing import Any

import pytest
from support.adapters import opened, saying
from support.national import call

COMPOSED = "Trần Thị Ngọc Ánh, Đắk Lắk"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
ESCAPED = "/Tr%E1%BA%A7n%20Th%E1%BB%8B%20Ng%E1%BB%8Dc%20%C3%81nh%2C%20%C4%90%E1%BA%AFk%20L%E1%BA%AFk"


@pytest.mark.parametrize("written", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("said", [COMPOSED, DECOMPOSED])
async def test_what_is_compared_and_sent_is_composed(written: str, said: str) -> None:
    seen: list[tuple[str, bytes]] = []
    told: dict[str, Any] = {
        "path": "/{request.hoVaTen}",
        "body": {"ten": "request.hoVaTen", "la": f"'{DECOMPOSED}'"},
        "errors": [
            {"when": f"answer.ten != request.hoVaTen || answer.ten != '{DECOMPOSED}'", "is": "person-not-found"}
        ],
        "answer": {"ketQua": f'answer."{unicodedata.normalize("NFD", "tên")}"'},
    }
    answer = f'{{"ten": "{said}", "{unicodedata.normalize("NFD", "tên")}": "{said}"}}'
    async with saying(answer, seen) as url, opened("http", url, operations={"read": told}) as adapter:
        method = adapter.method("read")
        assert method
        assert await method({"hoVaTen": written}, call()) == {"ketQua": COMPOSED}
    [(path, body)] = seen
    assert path == ESCAPED
    assert body == f'{{"ten":"{COMPOSED}","la":"{COMPOSED}"}}'.encode()
