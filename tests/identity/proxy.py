"""A proxy through which a process reaches an Authority instead of Google.

The process is the product as it is: it is given the proxy and of the proxy's own certificate
authority by the variables that every program heeds.
"""

import json
import ssl
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.identity.authority import HOSTS, Authority, new_key

_PEM = serialization.Encoding.PEM


class Proxy:
    """A context manager; ``environment`` is what a process is to be given."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*_certificates(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(authority, self._context))
        self._server.daemon_threads = True
        account = folder / "account.json"
        account.write_text(json.dumps(_service_account()))
        self.environment = {
            "HTTPS_PROXY": f"http://127.0.0.1:{self._server.server_port}",
            "REQUESTS_CA_BUNDLE": str(folder / "authority.pem"),
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
        }

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(authority: Authority, context: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        """What is asked inside the tunnel."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, data = authority.answer(urlsplit(self.path).path, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Cache-Control", "max-age=3600")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    class Tunnel(BaseHTTPRequestHandler):
        """``CONNECT host:443``: the connection goes on inside TLS."""

        def do_CONNECT(self) -> None:
            if self.path.partition(":")[0] not in HOSTS:
                self.send_error(502)
                return
            self.send_response(200)
            self.end_headers()
            with context.wrap_socket(self.connection, server_side=True) as inside:
                Answers(inside, self.client_address, self.server)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Tunnel


def _certificates(folder: Path) -> tuple[str, str]:
    """Files of the proxy's certificate and key; its authority is ``authority.pem``."""
    root_key, key = new_key(), new_key()
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests root")])
    now = datetime.now(UTC)

    def begin(name: x509.Name, public: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(root_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )

    root_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = (
        begin(root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(root_id, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTS[0])])
    leaf = (
        begin(subject, key.public_key())
        .add_extension(names, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(root.public_bytes(_PEM))
    (folder / "proxy.pem").write_bytes(leaf.public_bytes(_PEM))
    (folder / "proxy.key").write_bytes(_key_text(key))
    return str(folder / "proxy.pem"), str(folder / "proxy.key")


def _service_account() -> dict[str, str]:
    return {
        "type": "service_account",
        "project_id": "tests",
        "private_key_id": "k",
        "private_key": _key_text(new_key()).decode(),
        "client_email": "tests@tests.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


def _key_text(key: Any) -> bytes:
    text: bytes = key.private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text
