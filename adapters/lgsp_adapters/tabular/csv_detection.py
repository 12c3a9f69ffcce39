"""Guesses the encoding and the delimiter of a CSV file, as a suggestion for a manifest: nothing is read by a guess."""

import csv
import io
import itertools
import re
import statistics
import unicodedata
from typing import BinaryIO

from lgsp_adapters.tabular import encodings
from lgsp_adapters.tabular.csv_lines import is_separator_line
from lgsp_adapters.tabular.limits import UnreadableFileError

_SAMPLE_LINES = 200
_SAMPLE_BYTES = 65536
_DELIMITERS = (";", ",", "\t", "|")
_OLD_ENCODINGS = ("tcvn3", "vni", "cp1258")
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
_SYLLABLE = re.compile(
    "(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnpqrstvx])?[aăâeêioôơuưy]{1,3}(?:ch|nh|ng|[cmnpt])?"
)


def detect_encoding(file: BinaryIO) -> str:
    """Guess the encoding: for bytes that are no Unicode, the one in which most words are Vietnamese syllables.

    Raises:
        UnreadableFileError: it is in none that is known here.
    """
    begin = file.read(_SAMPLE_BYTES)
    file.seek(0)
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in begin:
        return "utf-16"
    if encodings.detect_utf_8(file):
        return "utf-8"
    scores = {name: _vietnamese_share(file, name) for name in _OLD_ENCODINGS}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < 0:
        raise UnreadableFileError("its encoding is not known; ask the office to save it as CSV UTF-8")
    return {"cp1258": "windows-1258"}.get(best, best)


def detect_delimiter(file: BinaryIO, encoding: str) -> str:
    """Guess the delimiter: what a first line `sep=` says, or the one that cuts lines into most fields."""
    sample = _sample(file, encodings.canonical(encoding))
    first = sample[0].strip() if sample else ""
    if is_separator_line(first) and len(first) == len("sep=;"):
        return first[-1]
    return max(_DELIMITERS, key=lambda delimiter: _fields(sample, delimiter))


def _fields(sample: list[str], delimiter: str) -> float:
    try:
        counts = [len(fields) for fields in csv.reader(sample, delimiter=delimiter)]
    except csv.Error:
        return 0
    return statistics.median(counts) if counts else 0


def _vietnamese_share(file: BinaryIO, name: str) -> float:
    """Return the share of words with accents that are Vietnamese syllables; -1 where the file cannot be in this encoding."""
    try:
        text = "".join(_sample(file, name))
    except UnicodeError:
        return -1
    words = [word for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text)) if not word.isascii()]
    return sum(map(_is_syllable, words)) / len(words) if words else 0


def _is_syllable(word: str) -> bool:
    letters = unicodedata.normalize("NFD", word if word.isupper() else word[:1].lower() + word[1:])
    if sum(letter in _TONES for letter in letters) > 1 or not (word.isupper() or word[1:] == word[1:].lower()):
        return False
    plain = unicodedata.normalize("NFC", "".join(letter for letter in letters if letter not in _TONES)).lower()
    return _SYLLABLE.fullmatch(plain) is not None


def _sample(file: BinaryIO, encoding: str) -> list[str]:
    """Return the first lines; of a copy, since reading texts closes what it reads."""
    content = io.BytesIO(file.read())
    file.seek(0)
    return list(itertools.islice(encodings.lines(content, encoding), _SAMPLE_LINES))
