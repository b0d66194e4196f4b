"""Bodies of ``multipart/form-data`` (RFC 7578): fields as texts, files in base64, as JSON carries them."""

import base64
from email.message import Message
from email.parser import HeaderParser
from pathlib import PurePosixPath
from typing import Any

from swell_target.base.errors import Problem

MAX_PARTS = 100
MEDIA = "multipart/form-data"
FILES = "files"
HEADERS = HeaderParser()


def parse_multipart(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields by name; each part with a file name is in the list ``files``, whatever its field is called.

    A file is ``{"name", "type", "content", "encoding": "base64"}``. Problem 400 says what is malformed.
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        raise _malformed("the content type names no boundary")
    # The first boundary may stand at the very beginning; all others follow a line break.
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004 - what is before and behind a boundary
        raise _malformed("its end is missing")
    if len(pieces) > MAX_PARTS + 2:
        raise _malformed(f"it has more than {MAX_PARTS} parts")
    found: dict[str, Any] = {}
    for piece in pieces[1:-1]:
        _add(found, piece)
    return found


def _add(found: dict[str, Any], piece: bytes) -> None:
    head, blank, content = piece.partition(b"\r\n\r\n")
    part = HEADERS.parsestr(head.decode("utf-8", "replace").lstrip())
    name = part.get_param("name", header="content-disposition")
    if not blank or not isinstance(name, str):
        raise _malformed("a part has no name")
    file_name = part.get_filename()
    if file_name is None:
        found[name] = content.decode("utf-8", "replace")
        return
    file = {
        # A browser of old sends the whole path.
        "name": PurePosixPath(file_name.replace("\\", "/")).name,
        "type": part.get_content_type() if "content-type" in part else "application/octet-stream",
        "content": base64.b64encode(content).decode(),
        "encoding": "base64",
    }
    files = found.setdefault(FILES, [])
    if not isinstance(files, list):
        raise _malformed(f"{FILES} is a field and a file")
    files.append(file)


def _malformed(why: str) -> Problem:
    return Problem(400, f"the multipart body is not valid: {why}")
