"""Opens the inbox that a manifest names. What its kinds need is loaded for them alone."""

from lgsp_adapters.inboxes.inbox_file import Inbox
from lgsp_adapters.inboxes.local import LocalInbox
from lgsp_adapters.manifest import Manifest


def open_inbox(manifest: Manifest) -> Inbox:
    """Open the inbox that a manifest names: a path, `s3://BUCKET/PREFIX` or `sftp://USER@HOST/PATH`.

    It is polled as often as the manifest's `files.poll-seconds` says, or as its kind does.

    Raises:
        Refusal: `invalid-document`, for another address, or one that lacks what it needs.
    """
    connection, location = manifest.connection, manifest.location / "connection" / "folder"
    address = str(connection["folder"])
    files = manifest.document["files"]
    polling = {"poll_seconds": float(files["poll-seconds"])} if "poll-seconds" in files else {}
    scheme = address.partition("://")[0] if "://" in address else ""
    if scheme == "":
        return LocalInbox(manifest.folder / address, **polling)
    if scheme == "s3":
        from lgsp_adapters.inboxes.s3 import S3Inbox  # noqa: PLC0415 - loads a library of its own

        return S3Inbox(address, connection, **polling)
    if scheme == "sftp":
        from lgsp_adapters.inboxes.sftp import SftpInbox  # noqa: PLC0415 - loads a library of its own

        return SftpInbox(address, connection, location, **polling)
    raise location.refusal(
        f"không biết đọc thư mục {scheme}://; hãy dùng đường dẫn, s3:// hoặc sftp://",
        f"a folder at {scheme}:// cannot be read; name a path, s3:// or sftp://",
    )
