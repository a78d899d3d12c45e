"""``static/``: style sheet, modules and the vendored chart library, as they are sent.

They are served under ``/assets/{version}/{name}``, the version being a hash of all of them, so that
a browser may keep each for ever and modules may import one another by name. Not ``/static``:
functions-framework answers what begins so itself, before it calls the function.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from werkzeug.http import parse_accept_header

from shared.errors import NotFound
from shared.web.auth import PUBLIC
from shared.web.request import NoBody, Params, RecordId
from shared.web.response import RawContent, RouteReply
from shared.web.routing import RouteCall, RouteTable

FOLDER = Path(__file__).with_name("static")
FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, as it is and compressed."""

    media_type: str
    data: bytes
    compressed: bytes


def _read(path: Path) -> StaticFile:
    data = path.read_bytes()
    return StaticFile(MEDIA_TYPES[path.suffix], data, gzip.compress(data, mtime=0))


FILES = {path.name: _read(path) for path in sorted(FOLDER.iterdir())}
VERSION = hashlib.sha256(
    b"".join(name.encode() + file.data for name, file in FILES.items())
).hexdigest()[:12]


def address(name: str) -> str:
    """Where a file is served. Raises KeyError for one that is not there."""
    assert FILES[name]
    return f"/assets/{VERSION}/{name}"


class StaticQuery(Params):
    """One file."""

    version: RecordId
    name: RecordId


def routes() -> RouteTable:
    """Anybody may have the files."""
    table = RouteTable(PUBLIC)
    kinds = [kind.partition(";")[0] for kind in MEDIA_TYPES.values()]

    @table.get("/assets/{version}/{name}", StaticQuery, *kinds, errors=[NotFound])
    def get_file(call: RouteCall[StaticQuery, NoBody]) -> RouteReply:
        """A file that pages need."""
        found = FILES.get(call.params.name)
        if found is None:
            raise NotFound("there is no such file")
        # While a new version is rolled out, an instance may be asked for files of another.
        kept = FOR_EVER if call.params.version == VERSION else ASK_EACH_TIME
        headers = {"Cache-Control": kept}
        return content(call.headers.get("Accept-Encoding", ""), found, headers)

    return table


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding says so."""
    return parse_accept_header(header)["gzip"] > 0


def content(accepted: str, file: StaticFile, headers: dict[str, str]) -> RouteReply:
    """The file, compressed where the client accepts it."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    data = file.data
    if accepts_gzip(accepted):
        headers["Content-Encoding"] = "gzip"
        data = file.compressed
    return RouteReply(RawContent(file.media_type, data), headers=headers)
