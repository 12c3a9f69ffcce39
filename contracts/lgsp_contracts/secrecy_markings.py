"""Recognises the degrees of secrecy of the state in texts: Mật, Tối mật, Tuyệt mật. A document that carries one may not pass over the bus.

The stamp is written in many ways: `(MẬT)`, `TỐI  MẬT`, `Độ mật: A`, decomposed (NFD), without accents, in full-width letters, with letters of
another alphabet that look alike, with invisible characters between, with spaces between the letters, in the name of a file. The word stands in innocent
texts as well: bảo mật, mật độ, túi mật, a person called Mật, and without accents in `mat truoc` (the front of an identity card). So a text is
searched for the word where it marks, and what carries notations or degrees alone is searched more strictly.
"""

import re
import unicodedata
from functools import lru_cache

_WITHOUT_ACCENTS = "mat"
_MARK = ("mật", _WITHOUT_ACCENTS)
_HIGHEST = {"tối", "toi", "tuyệt", "tuyet"}
_JOINED = frozenset(f"{word}{mark}" for word in _HIGHEST for mark in _MARK) | {"độmật"}
_DEGREES_WITHOUT_SECRECY = frozenset(
    {
        "",
        "0",
        "no",
        "none",
        "normal",
        "false",
        "public",
        "unclassified",
        "thường",
        "thuong",
        "bình thường",
        "binh thuong",
    }
    | {"không", "khong", "không mật", "khong mat"}
)
_LABELS_WITHOUT_SECRECY = frozenset({"thường", "thuong", "bình", "binh", "không", "khong", "0"})

_KINDS = frozenset(
    tuple(kind.split())
    for kind in [
        "công văn",
        "văn bản",
        "tài liệu",
        "báo cáo",
        "công điện",
        "quyết định",
        "kế hoạch",
        "tờ trình",
        "thông báo",
        "chỉ thị",
        "đóng dấu",
        "phân loại",
        "cong van",
        "van ban",
        "tai lieu",
        "dong dau",
    ]
)
"""Kinds of documents and stamps before the word: `công văn mật`, `đóng dấu mật`."""
_COMPOUNDS_BEFORE = frozenset(
    {"bảo", "bí", "cơ", "trăng", "túi", "sỏi", "ống", "gan", "đường", "thị", "dịch", "nước", "ngọt"}
)
_COMPOUNDS_AFTER = frozenset(
    {"độ", "khẩu", "mã", "ong", "thiết", "thám", "vụ", "danh", "thư", "ngữ", "tịch", "hiệu", "gấu", "mía", "báo"}
    | {"do", "khau", "ma", "truoc", "sau", "bang", "trai", "phai", "tien", "duong"}
)
"""Words with `mật` in them; and without accents with mặt, which nothing tells from it."""

_WORD = re.compile(r"[^\W\d_]+")
_CANDIDATE = re.compile(rf"(?<![^\W\d_])(?:{'|'.join((*_MARK, *sorted(_JOINED)))})(?![^\W\d_])", re.IGNORECASE)
_MAX_WORDS = 100
_WINDOW = 32
"""Characters before and after a word in which its neighbours are looked for."""
_MAX_MARKS = 2 * _WINDOW
"""Combining marks after one letter that are looked at: with fewer, a word is as far from its neighbours as with all."""
_SPACED_LETTERS = re.compile(
    r"(?<!\w)(?:m[\W_]{1,3}ậ[\W_]{1,3}t|t[\W_]{1,3}[oố][\W_]{1,3}i[\W_]{1,8}m[\W_]{1,3}[aậ][\W_]{1,3}t)(?!\w)"
)
_POSSIBLE = re.compile(r"m\W{0,3}[aậ]\W{0,3}t")
_EDGES = " \t\r\n\"'“”‘’«»‹›()[]{}<>【】.,;:!*-–—_/|"
_OPENING, _CLOSING = frozenset("([{<«‹“\"'【"), frozenset(")]}>»›”\"'】")
_SEPARATORS = frozenset(":-–—/|;_*")
_FIRST_AND_LAST = re.compile(r"[\W_]*(?=([^\W_]))[\s\S]*[^\W_]")
_NEAR = 8
"""Characters around a word in which brackets and separators are looked for."""
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}(\.[A-Za-z0-9]{1,4})?$")
_LOOK_ALIKE = dict(
    zip(map(ord, "АВЕКМНОРСТУХІаеорсухіΑΒΕΗΙΚΜΝΟΡΤΥΧοтÐƉð"), "ABEKMHOPCTYXIaeopcyxiABEHIKMNOPTYXotĐĐđ", strict=True)
)
"""Letters of Cyrillic and Greek that look like Latin ones, and those of Icelandic and Ewe that old programs write for Đ."""
_INVISIBLE = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE01EF),
)  # fmt: skip
"""Ranges of characters that format text and are not seen: zero-width ones, those of direction, variation selectors, tags."""
_PLAIN: dict[int, str | None] = {
    **_LOOK_ALIKE,
    **{code: None for first, last in _INVISIBLE for code in range(first, last + 1)},
}


def is_marked(text: str) -> bool:
    """Tell whether a text is marked with a degree of secrecy: a subject, a summary, the name of a file."""
    plain = _normalized(text)
    lower = plain.lower()
    if not _POSSIBLE.search(lower):
        return False
    return _SPACED_LETTERS.search(lower) is not None or _Text(_EXTENSION.sub("", plain)).has_mark()


def is_marked_name(path: str) -> bool:
    """Tell whether the name of a file is marked with a degree of secrecy, or that of a folder above it."""
    return any(map(is_marked, re.split(r"[/\\]", path)))


def is_marked_notation(text: str) -> bool:
    """Tell whether a notation is marked with a degree of secrecy: in it any word `mật` marks, also without accents: `12/SM-MAT`."""
    lower = _normalized(text).lower()
    words = _WORD.findall(lower)
    return any(word in _MARK or word in _JOINED for word in words) or _SPACED_LETTERS.search(lower) is not None


def is_secret_degree(text: str) -> bool:
    """Tell whether the value of a field for the degree of secrecy is any but that of a document without one."""
    return " ".join(_normalized(text).lower().split()).strip(_EDGES) not in _DEGREES_WITHOUT_SECRECY


def _normalized(text: str) -> str:
    """Return a text composed, in Latin letters, without invisible characters."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _without_stacked_marks("".join(map(_decomposed, text))))


@lru_cache(maxsize=4096)
def _decomposed(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter).translate(_PLAIN)


def _without_stacked_marks(text: str) -> str:
    """Return a text with `_MAX_MARKS` marks in a row at most, of which no reader sees more.

    Python puts marks that stand behind each other into order by insertion: 100 kB of them would take seconds, and hold the process up.
    """
    is_mark = bytes(map(bool, map(unicodedata.combining, text)))
    if bytes([True]) * (_MAX_MARKS + 1) not in is_mark:
        return text
    kept, marks = [], 0
    for letter, mark in zip(text, is_mark, strict=True):
        marks = marks + 1 if mark else 0
        if marks <= _MAX_MARKS:
            kept.append(letter)
    return "".join(kept)


class _Text:
    """A text, looked at around each word that may mark it."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = _FIRST_AND_LAST.match(text)
        self.first, self.last = (found.start(1), found.end()) if found else (0, 0)

    def has_mark(self) -> bool:
        """Tell whether a word marks the text; one that has more such words than any text needs counts as marked."""
        for number, word in enumerate(_CANDIDATE.finditer(self.text)):
            if number == _MAX_WORDS or word[0].lower() in _JOINED or self._marks(word):
                return True
        return False

    def _marks(self, match: re.Match[str]) -> bool:
        """Tell whether a word `mật` marks the text where it stands."""
        word, start, end = match[0], match.start(), match.end()
        before, preceding = self._words_before(start)
        following = self._word_after(end)
        if preceding in _HIGHEST or (start, end) == (self.first, self.last):
            return True
        if self._is_label(match, before, preceding):
            return following not in _LABELS_WITHOUT_SECRECY
        if following in _COMPOUNDS_AFTER and not self._is_enclosed(start, end):
            return False
        stands_alone = self._is_enclosed(start, end) or self._is_apart(start, end)
        if word.lower() == _WITHOUT_ACCENTS:
            return (before, preceding) in _KINDS or (word != word.lower() and stands_alone)
        if preceding in _COMPOUNDS_BEFORE:
            return False
        return (before, preceding) in _KINDS or word.isupper() or stands_alone

    def _words_before(self, start: int) -> tuple[str, str]:
        words: list[str] = _WORD.findall(self.text[max(0, start - _WINDOW) : start].lower())[-2:]
        before, preceding = ["", "", *words][-2:]
        return before, preceding

    def _word_after(self, end: int) -> str:
        found = _WORD.search(self.text, end, end + _WINDOW)
        return found[0].lower() if found else ""

    def _is_label(self, match: re.Match[str], before: str, preceding: str) -> bool:
        """Tell whether the word is the label of a degree: `Độ mật: …`; without accents it needs the colon, or `muc` before it."""
        if preceding == "do":
            has_colon = self._after(match.end()) in (":", "=")
            return before == "muc" or match[0].lower() != _WITHOUT_ACCENTS or has_colon
        return preceding == "độ"

    def _is_enclosed(self, start: int, end: int) -> bool:
        return self._before(start) in _OPENING and self._after(end) in _CLOSING

    def _is_apart(self, start: int, end: int) -> bool:
        """Tell whether the word stands at the beginning or the end of the text, with a separator between."""
        at_start = start == self.first and self._after(end) in _SEPARATORS
        return at_start or (end == self.last and self._before(start) in _SEPARATORS)

    def _before(self, start: int) -> str:
        return self.text[max(0, start - _NEAR) : start].rstrip()[-1:]

    def _after(self, end: int) -> str:
        return self.text[end : end + _NEAR].lstrip()[:1]
