"""Files that a message carries, as a manifest sends them to a system and makes them of what it sends back.

    files: {don: request.tepDinhKem}                     # fetched before the request is made: `files.don.content` is base64
    body: {tenTep: files.don.name, noiDung: files.don.content}
    answer-files: {bienNhan: {content: answer.pdf, name: answer.tenTep, type: application/pdf}}
    answer: {bienNhan: stored.bienNhan}

What is written into a document as base64 is held in memory, so it has a bound. A part of a form or a body of its own needs none
(`encoding: file`): it goes through in pieces.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lgsp_adapters.adapter import BusFiles, Call, UnfitRequest, UpstreamFailed
from lgsp_adapters.mapping.budget import BYTES, MappingExecutor, spend
from lgsp_adapters.mapping.expressions import Scope, Template
from lgsp_adapters.mapping.numbers import text_of
from lgsp_adapters.mapping.unmappable import MappingError
from lgsp_contracts.file_references import PREFIX
from lgsp_contracts.source_location import SourceLocation

FILES, STORED = "files", "stored"
"""The variables: files of the request, and references of files of the answer."""
MAX_INLINE_BYTES = 16 * 1024 * 1024
"""Bytes of all files of one call that are written into documents as base64: some 80 MiB of memory while it lasts."""
_WHITE_SPACE = re.compile(r"\s+")


class RequestFiles:
    """The files of a request that a manifest names.

    Args:
        document: expressions by name, each of which yields the reference of a file, or null.
    """

    def __init__(self, document: Mapping[str, str], location: SourceLocation, names: tuple[str, ...]) -> None:
        self._template = Template(dict(document), location, names)

    async def fetch(self, scope: Scope, files: BusFiles, call: Call, executor: MappingExecutor) -> dict[str, Any]:
        """Return the variable `files`: name, type, size and base64 content of each.

        Raises:
            UnfitRequest: they are too large together, or no references.
            UpstreamFailed, UpstreamLate: one cannot be read.
        """
        references = await executor.run(partial(self._references, scope), of_request=True)
        fetched: dict[str, Any] = {}
        size = 0
        for name, reference in references.items():
            if reference is None:
                fetched[name] = None
                continue
            facts = await files.describe(reference, call)
            size += facts.size
            if size > MAX_INLINE_BYTES:
                raise UnfitRequest(f"the files have more than {MAX_INLINE_BYTES} bytes; send them by encoding: file")
            content = await files.read(reference, call)
            fetched[name] = {
                "name": facts.name or None,
                "type": facts.media_type,
                "size": facts.size,
                "content": base64.b64encode(content).decode(),
            }
        return fetched

    def _references(self, scope: Scope) -> dict[str, str | None]:
        try:
            values: Mapping[str, Any] = self._template(scope) or {}
        except MappingError as unmappable:
            raise UnfitRequest(str(unmappable)) from unmappable
        for name, value in values.items():
            if value is not None and not (isinstance(value, str) and value.startswith(PREFIX)):
                raise UnfitRequest(f"{self._template.location / name}: not the reference of a file")
        return dict(values)


@dataclass(frozen=True, slots=True)
class _AnswerFile:
    content: Template
    name: Template
    media_type: str


class AnswerFiles:
    """The files that a manifest makes of base64 in an answer.

    Args:
        document: `content`, `name` and `type` of each file, by name.
    """

    def __init__(
        self, document: Mapping[str, Mapping[str, str]], location: SourceLocation, names: tuple[str, ...]
    ) -> None:
        self._files = {
            name: _AnswerFile(
                Template(part["content"], location / name / "content", names),
                Template(part.get("name"), location / name / "name", names),
                part.get("type", "application/octet-stream"),
            )
            for name, part in document.items()
        }

    async def store(self, scope: Scope, files: BusFiles, call: Call, executor: MappingExecutor) -> dict[str, Any]:
        """Store them, and return the variable `stored`: the reference of each, null where the answer has none.

        Raises:
            UpstreamFailed: the content is not base64, or too large; or it cannot be stored.
            UpstreamLate: it cannot be stored in time.
        """
        made = await executor.run(partial(self._make, scope))
        return {
            name: await files.write(content, file_name, self._files[name].media_type, call) if content else None
            for name, (content, file_name) in made.items()
        }

    def _make(self, scope: Scope) -> dict[str, tuple[bytes | None, str]]:
        return {name: (_content(file, scope), _name(file, scope, name)) for name, file in self._files.items()}


def _name(file: _AnswerFile, scope: Scope, name: str) -> str:
    try:
        value = file.name(scope)
        return text_of(value) if value is not None else name
    except MappingError as unmappable:
        raise UpstreamFailed("unintelligible", str(unmappable)) from unmappable


def _content(file: _AnswerFile, scope: Scope) -> bytes | None:
    try:
        value = file.content(scope)
        if value is None:
            return None
        text = text_of(value)
        spend(len(text) // BYTES)
        content = base64.b64decode(_WHITE_SPACE.sub("", text), validate=True)
    except (MappingError, binascii.Error, ValueError) as error:
        raise UpstreamFailed("unintelligible", f"{file.content.location}: not base64") from error
    if len(content) > MAX_INLINE_BYTES:
        raise UpstreamFailed("unintelligible", f"{file.content.location}: more than {MAX_INLINE_BYTES} bytes")
    return content or None


class CarriedFiles:
    """The keys `files` and `answer-files` of an operation, and the variables that its other parts may name because of them."""

    def __init__(
        self,
        document: Mapping[str, Any],
        location: SourceLocation,
        request_variables: tuple[str, ...],
        response_variables: tuple[str, ...],
    ) -> None:
        of_request, of_answer = document.get("files"), document.get("answer-files")
        fetched = (FILES,) if of_request else ()
        self.of_request = RequestFiles(of_request, location / "files", request_variables) if of_request else None
        self.of_answer = (
            AnswerFiles(of_answer, location / "answer-files", (*response_variables, *fetched)) if of_answer else None
        )
        self.request_variables = (*request_variables, *fetched)
        self.response_variables = (*response_variables, *fetched, *((STORED,) if of_answer else ()))
