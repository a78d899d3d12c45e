"""Google's identity services for one Firebase project, with a signing key of their own.

What firebase-admin asks them over HTTPS is answered here: the certificates of the key, whether an
account is disabled or its sessions are revoked, a session cookie, the end of all sessions.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

KEY_ID = "key-of-the-tests"
HOSTS = ("www.googleapis.com", "identitytoolkit.googleapis.com", "oauth2.googleapis.com")
_CERTIFICATES = (
    "/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com",
    "/identitytoolkit/v3/relyingparty/publicKeys",
)
HOUR = 3600


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Authority:
    """Signs sessions of people who need not exist, and answers for them."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.key = new_key()
        self._certificate = _certificate(self.key)
        self._valid_since: dict[str, int] = {}
        self._disabled: set[str] = set()
        self._unknown: set[str] = set()

    def id_token(self, uid: str = "u1", **claims: Any) -> str:
        """An ID token; ``claims`` are put over the usual ones, a ``None`` takes one away."""
        return self._signed(f"https://securetoken.google.com/{self.project}", uid, claims)

    def id_token_of_another(self, **claims: Any) -> str:
        """An ID token signed with another key."""
        issuer = f"https://securetoken.google.com/{self.project}"
        return self._signed(issuer, "u1", claims, new_key())

    def cookie(self, uid: str = "u1", **claims: Any) -> str:
        """A session cookie."""
        return self._signed(f"https://session.firebase.google.com/{self.project}", uid, claims)

    def revoke(self, uid: str) -> None:
        """All sessions that began before now are revoked."""
        self._valid_since[uid] = int(time.time()) + 1

    def disable(self, uid: str) -> None:
        self._disabled.add(uid)

    def forget(self, uid: str) -> None:
        """The account is deleted."""
        self._unknown.add(uid)

    def is_revoked(self, uid: str) -> bool:
        """Whether sessions of theirs have been revoked."""
        return uid in self._valid_since

    def uid_of(self, token: str) -> str:
        """Whose a token or cookie is."""
        return str(jwt.decode(token, options={"verify_signature": False})["sub"])

    def claims(self, issuer: str, uid: str) -> dict[str, Any]:
        """The usual claims of a session that began a moment ago."""
        now = int(time.time())
        return {
            "iss": issuer,
            "aud": self.project,
            "sub": uid,
            "user_id": uid,
            "auth_time": now - 10,
            "iat": now - 10,
            "exp": now + HOUR,
        }

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a request."""
        if path in _CERTIFICATES:
            return 200, json.dumps({KEY_ID: self._certificate}).encode()
        if path == "/token":
            return 200, b'{"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}'
        if path.endswith("/accounts:lookup"):
            users = [self._user(uid) for uid in json.loads(body)["localId"]]
            return 200, json.dumps({"users": [user for user in users if user]}).encode()
        if path.endswith(":createSessionCookie"):
            return 200, json.dumps({"sessionCookie": self.cookie(self._asked_by(body))}).encode()
        if path.endswith("/accounts:update"):
            changed = json.loads(body)
            self._valid_since[changed["localId"]] = int(changed["validSince"])
            return 200, json.dumps({"localId": changed["localId"]}).encode()
        return 404, b"{}"

    def _asked_by(self, body: bytes) -> str:
        return self.uid_of(json.loads(body)["idToken"])

    def _user(self, uid: str) -> dict[str, Any] | None:
        if uid in self._unknown:
            return None
        since = self._valid_since.get(uid, 0)
        return {"localId": uid, "validSince": str(since), "disabled": uid in self._disabled}

    def _signed(
        self,
        issuer: str,
        uid: str,
        claims: dict[str, Any],
        key: rsa.RSAPrivateKey | None = None,
    ) -> str:
        whole = self.claims(issuer, uid) | claims
        given = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(given, key or self.key, algorithm="RS256", headers={"kid": KEY_ID})


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()
