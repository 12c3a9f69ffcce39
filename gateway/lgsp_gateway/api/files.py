"""`/files`: upload by tus 1.0 or in one request, download, list and delete."""

import asyncio
import base64
import re
from email.message import Message
from typing import Any, NamedTuple

from aiohttp import hdrs, web

from lgsp_auth.policy import Officer
from lgsp_auth.principal import OPERATOR, Principal
from lgsp_auth.roles import OFFICER
from lgsp_contracts import names
from lgsp_contracts.names import SystemName
from lgsp_gateway.api import tus
from lgsp_gateway.api.evidence_stream import AUDITOR
from lgsp_gateway.api.file_download import send_file
from lgsp_gateway.api.schemas import json_of
from lgsp_gateway.delivery.files import refusals
from lgsp_gateway.delivery.files.build import Files
from lgsp_gateway.delivery.files.model import FileRecord
from lgsp_gateway.delivery.files.uploads import NewFile
from lgsp_gateway.http.authentication import CallerAuthenticator
from lgsp_gateway.http.json_responses import json_response, list_response
from lgsp_gateway.http.parameter_types import cursor_parameter, integer_parameter, message_id_parameter
from lgsp_gateway.http.problems import method_not_allowed
from lgsp_gateway.http.routes import ResponseSpec, Route, add_route
from lgsp_gateway.registry.officer_forms import form_user
from lgsp_gateway.registry.snapshot import RegistrySnapshot
from lgsp_problems import Refusal

OPERATORS = (OPERATOR, AUDITOR)
VERIFY_SECONDS = 20.0
"""How long the last request of an upload waits for hash, type and scan; a longer one goes on in the background."""
METHOD_OVERRIDE = "X-HTTP-Method-Override"

_FILE = message_id_parameter("id", "the id of the file", location="path")
_LIMIT = integer_parameter("limit", "files in a page", 1, 200, 50)
_AFTER = cursor_parameter("after", max_length=100)
_UPLOADED = ("Upload-Offset", "Upload-Length", "Upload-Expires", "Tus-Resumable", "Lgsp-File-State")
_BYTES = {"type": "string", "format": "binary"}
_UPLOAD_PROBLEMS = ("storage-full", "storage-unavailable", "too-slow", "bus-unavailable", "file-refused")

CREATE = Route(
    "POST",
    "/files",
    "createFile",
    "Begin an upload (tus), or upload a file in one request",
    "token",
    {201: ResponseSpec("The upload has begun, or the file is there", json_of("File"), ("Location", *_UPLOADED))},
    body={tus.OFFSET_MEDIA: _BYTES, "*/*": _BYTES},
    body_required=False,
    problems=("not-granted", "file-not-allowed", "storage-quota-exceeded", "checksum-mismatch", *_UPLOAD_PROBLEMS),
    tag="files",
)
LIST = Route(
    "GET",
    "/files",
    "listFiles",
    "List the caller's own files, the newest first; operators see those of all systems",
    "token",
    {200: ResponseSpec("A page of files", json_of("FileList"))},
    parameters=(_LIMIT, _AFTER),
    tag="files",
)
READ = Route(
    "GET",
    "/files/{id}",
    "readFile",
    "Read the content of a file, or with HEAD how far its upload is",
    "token",
    {
        200: ResponseSpec("The content", {"*/*": _BYTES}, ("ETag", "Repr-Digest", "Content-Disposition")),
        206: ResponseSpec("A range of the content", {"*/*": _BYTES}, ("Content-Range", "ETag")),
        304: ResponseSpec("The caller has this content"),
    },
    parameters=(_FILE,),
    problems=(
        "not-found",
        "file-not-ready",
        "file-refused",
        "file-expired",
        "range-not-satisfiable",
        "too-many-streams",
        "storage-unavailable",
    ),
    tag="files",
)
DESCRIBE = Route(
    "GET",
    "/files/{id}/metadata",
    "describeFile",
    "Read name, type, size, hash and state of a file",
    "token",
    {200: ResponseSpec("The file", json_of("File"))},
    parameters=(_FILE,),
    problems=("not-found",),
    tag="files",
)
APPEND = Route(
    "PATCH",
    "/files/{id}",
    "appendToFile",
    "Send the next part of an upload (tus)",
    "token",
    {204: ResponseSpec("The part is stored", headers=_UPLOADED)},
    parameters=(_FILE,),
    body={tus.OFFSET_MEDIA: _BYTES},
    problems=(
        "not-found",
        "upload-conflict",
        "upload-locked",
        "checksum-mismatch",
        "file-expired",
        "unsupported-tus-version",
        *_UPLOAD_PROBLEMS,
    ),
    tag="files",
)
DELETE = Route(
    "DELETE",
    "/files/{id}",
    "deleteFile",
    "Delete an upload, or a file that no message refers to",
    "token",
    {204: ResponseSpec("It is deleted")},
    parameters=(_FILE,),
    problems=("not-found", "in-use", "revision-conflict", "storage-unavailable", "unsupported-tus-version"),
    tag="files",
)
OVERRIDE = Route(
    "POST",
    "/files/{id}",
    "overrideFileMethod",
    f"PATCH or DELETE for clients that can send neither, named by the header {METHOD_OVERRIDE} (tus)",
    "token",
    {204: APPEND.responses[204]},
    parameters=(_FILE,),
    body={tus.OFFSET_MEDIA: _BYTES},
    body_required=False,
    problems=(*APPEND.problems, "in-use", "revision-conflict"),
    tag="files",
)


class Holder(NamedTuple):
    """Whose files a caller sends and reads: those of a system, or of an officer by the form system of the agency."""

    system: SystemName
    officer: Officer | None = None

    @property
    def person(self) -> str:
        """Return the opaque id of the officer; "" where a system acts by itself."""
        return self.officer.person if self.officer else ""

    @property
    def through(self) -> str:
        """Return the system that had signed the officer in; "" for none."""
        return self.officer.through if self.officer else ""

    def owns(self, record: FileRecord) -> bool:
        """Tell whether a file is this holder's own."""
        return record.belongs_to(self.system, self.person)


class FileRoutes:
    """The routes of files."""

    def __init__(self, callers: CallerAuthenticator, files: Files, registry: RegistrySnapshot) -> None:
        self._callers = callers
        self._files = files
        self._registry = registry

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to an application."""
        add_route(app, CREATE, self._create)
        add_route(app, LIST, self._list)
        add_route(app, DESCRIBE, self._describe)
        add_route(app, READ, self._read)
        add_route(app, APPEND, self._append)
        add_route(app, DELETE, self._delete)
        add_route(app, OVERRIDE, self._override)
        app.router.add_options("/files", self._options)
        app.router.add_options("/files/{id}", self._options)

    async def _options(self, _: web.Request) -> web.Response:
        return web.Response(status=204, headers=tus.options(self._files.max_size))

    async def _create(self, request: web.Request) -> web.StreamResponse:
        owner = await self._holder(request)
        _refuse_encoded(request)
        if not tus.is_tus(request):
            return await self._upload_at_once(request, owner)
        tus.check_version(request)
        record = await self._begin(owner, tus.read_new_file(request))
        if request.content_type == tus.OFFSET_MEDIA and request.body_exists:
            record = await self._write(request, owner, record, 0)
        record = await self._verified(record)
        headers = {**tus.headers(record), hdrs.LOCATION: f"/files/{record.id}"}
        return web.Response(status=201, headers=headers)

    async def _upload_at_once(self, request: web.Request, owner: Holder) -> web.Response:
        if request.content_length is None:
            raise Refusal(
                "malformed",
                vi="Phải nêu Content-Length của tệp; hãy gửi kèm, hoặc tải lên bằng tus.",
                en="The Content-Length of the file is needed; send it, or upload by tus.",
            )
        sha256 = _sha256_in(request.headers.get("Repr-Digest", "") or request.headers.get("Content-Digest", ""))
        name = _name_in(request.headers.get(hdrs.CONTENT_DISPOSITION, ""))
        media_type = request.headers.get(hdrs.CONTENT_TYPE, tus.DEFAULT_MEDIA)
        record = await self._begin(owner, tus.new_file(name, media_type, request.content_length, sha256))
        if record.size:
            record = await self._write(request, owner, record, 0)
        record = await self._verified(record)
        return json_response(record.document(), status=201, headers={hdrs.LOCATION: f"/files/{record.id}"})

    async def _begin(self, owner: Holder, file: NewFile) -> FileRecord:
        agency = self._agency(owner.system)
        return await self._files.uploads.create(owner.system, names.agency_code(agency), file, owner.officer)

    async def _append(self, request: web.Request) -> web.StreamResponse:
        owner = await self._holder(request)
        tus.check_version(request)
        if request.content_type != tus.OFFSET_MEDIA:
            raise Refusal(
                "unsupported-media-type",
                vi=f"Phần của tệp phải có Content-Type: {tus.OFFSET_MEDIA}; hãy gửi lại với tiêu đề đó.",
                en=f"A part of a file must have Content-Type: {tus.OFFSET_MEDIA}; send it again with that header.",
            )
        _refuse_encoded(request)
        file = _FILE.read_from(request)
        record = await self._files.uploads.own(owner.system, file, owner.person)
        record = await self._write(request, owner, record, tus.number_in(request, "Upload-Offset"))
        record = await self._verified(record)
        return web.Response(status=204, headers=tus.headers(record))

    async def _write(self, request: web.Request, owner: Holder, record: FileRecord, offset: int) -> FileRecord:
        checksum = tus.read_checksum(request.headers.get("Upload-Checksum", ""))
        body = tus.body(request)
        written = await self._files.uploads.append(owner.system, record.id, offset, body, checksum, owner.person)
        self._files.counts.uploaded += written.offset - offset
        return written

    async def _verified(self, record: FileRecord) -> FileRecord:
        """Wait a while for the verification of a file that is whole.

        Raises:
            Refusal: `file-refused`.
        """
        if record.state != "scanning":
            return record
        running = self._files.verification.start(record.id, self._files.background)
        await asyncio.wait({running}, timeout=VERIFY_SECONDS)
        verified = await self._files.records.get(record.id) or record
        if verified.state == "quarantined":
            raise refusals.quarantined(verified.reason)
        return verified

    async def _read(self, request: web.Request) -> web.StreamResponse:
        reader, file = await self._holder(request), _FILE.read_from(request)
        record, carrier = await self._readable(reader, file)
        if request.method == hdrs.METH_HEAD and tus.is_tus(request):
            tus.check_version(request)
            if not reader.owns(record):
                raise refusals.no_file()
            if record.state == "expired":
                raise refusals.expired()
            headers = {**tus.headers(record), "Upload-Metadata": tus.encoded_metadata(record)}
            return web.Response(headers=headers)
        refusals.refuse_unusable(record)
        if request.method != hdrs.METH_HEAD:
            agency = self._agency(reader.system)
            await self._files.evidence.write(
                record, "read", reader.system, agency, carrier, reader.person, reader.through
            )
        response = await send_file(request, reader.system, record, self._files.content)
        self._files.counts.downloaded += response.body_length
        return response

    async def _describe(self, request: web.Request) -> web.Response:
        reader = await self._holder(request)
        record, _ = await self._readable(reader, _FILE.read_from(request))
        return json_response(record.document())

    async def _readable(self, reader: Holder, file: str) -> tuple[FileRecord, str]:
        """Return a file that somebody may read, and the message by which they may; "" for its owner."""
        record = await self._files.records.get(file)
        if record is not None and reader.owns(record):
            return record, ""
        carrier = await self._files.access.carrier_for(file, reader.system, reader.officer) if record else None
        if record is None or carrier is None:
            raise refusals.no_file()
        return record, carrier

    async def _list(self, request: web.Request) -> web.Response:
        caller = await self._callers.identify(request)
        owner = "" if caller.has_role(*OPERATORS) else _system_with_list(caller)
        limit, after = _LIMIT.read_from(request), _AFTER.read_from(request)
        files = self._files.records.index.page(owner, after, limit + 1)
        found = [await self._files.records.get(file) for file in files[:limit]]
        shown = [_for(record, owner) for record in found if record is not None]
        return await list_response(shown, files[limit - 1] if len(files) > limit else "")

    async def _delete(self, request: web.Request) -> web.Response:
        owner = await self._holder(request)
        if tus.is_tus(request):
            tus.check_version(request)

        async def write_entry(record: FileRecord) -> None:
            await self._files.evidence.write(
                record, "deleted", owner.system, record.agency, officer=owner.person, through=owner.through
            )

        await self._files.uploads.delete(owner.system, _FILE.read_from(request), write_entry, owner.person)
        return web.Response(status=204, headers=tus.headers())

    async def _override(self, request: web.Request) -> web.StreamResponse:
        method = request.headers.get(METHOD_OVERRIDE, "").upper()
        if method == hdrs.METH_PATCH:
            return await self._append(request)
        if method == hdrs.METH_DELETE:
            return await self._delete(request)
        raise method_not_allowed("GET, HEAD, PATCH, DELETE")

    async def _holder(self, request: web.Request) -> Holder:
        """Return whose files the caller sends and reads.

        Raises:
            Refusal: `not-granted`, where the caller is a person and no officer.
        """
        caller = await self._callers.identify(request)
        user = form_user(caller, self._registry) if caller.has_role(OFFICER) else None
        if user is not None:
            return Holder(SystemName(user.form_system.name), user.officer)
        return Holder(_system_of(caller))

    def _agency(self, owner: SystemName) -> str:
        system = self._registry.consumer(owner)
        if system is None:
            raise refusals.no_file()
        return system.agency


def _system_of(caller: Principal) -> SystemName:
    """Return the system that a caller is."""
    if not caller.own_system:
        raise Refusal(
            "not-granted",
            vi="Chỉ hệ thống mới gửi và đọc tệp; hãy dùng mã truy cập của hệ thống.",
            en="Only systems send and read files; use the access token of a system.",
        )
    return names.system_name(caller.system)


def _system_with_list(caller: Principal) -> SystemName:
    """Return the system whose files a caller may list. Officers do not list: they would see what others in their agency sent."""
    if caller.person:
        raise Refusal(
            "not-granted",
            vi="Danh sách tệp chỉ dành cho hệ thống và người vận hành; hãy mở tệp từ biểu mẫu đã gửi.",
            en="Only systems and operators list files; open a file from the form that it belongs to.",
        )
    return _system_of(caller)


def _for(record: FileRecord, owner: str) -> dict[str, Any]:
    """Return what a caller sees of a file in a list; names of files, which may tell of people, only their owner."""
    return record.document() if owner else {**record.document(), "name": ""}


def _refuse_encoded(request: web.Request) -> None:
    if hdrs.CONTENT_ENCODING in request.headers:
        raise Refusal(
            "unsupported-media-type",
            vi="Tệp phải được gửi không nén bằng Content-Encoding; hãy bỏ tiêu đề đó.",
            en="A file must be sent without Content-Encoding; leave that header out.",
        )


def _sha256_in(digest: str) -> str:
    match = re.search(r"sha-256=:([A-Za-z0-9+/]{43}=):", digest)
    return base64.b64decode(match[1]).hex() if match else ""


def _name_in(disposition: str) -> str:
    if not disposition:
        return ""
    message = Message()
    message[hdrs.CONTENT_DISPOSITION] = disposition
    return message.get_filename("") or ""
