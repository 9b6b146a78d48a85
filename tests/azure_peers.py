"""Peers on loopback for a run with nothing replaced: the Logs Ingestion API over HTTPS, a managed identity's endpoint.

The certificate is made for the run; the client trusts it by `REQUESTS_CA_BUNDLE`, as it would a company's own.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "token-of-the-managed-identity"
DAY = timedelta(days=1)


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for this machine and its key; return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "token-meter tests")])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "peer.pem", folder / "peer.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, private


def identity_endpoint(
    asked: list[str] | None = None, *, token: str = TOKEN, client_id: str = ""
) -> type[BaseHTTPRequestHandler]:
    """Return a handler that answers as App Service's managed identity endpoint does (api-version 2019-08-01).

    What it is asked for is appended to `asked`: path and query, with the audience in them. Where it is told a client
    id, it has that identity alone and no other.
    """

    class Identity(Silent):
        def do_GET(self) -> None:
            if asked is not None:
                asked.append(self.path)
            wanted = parse_qs(urlsplit(self.path).query).get("client_id", [""])[0]
            if client_id and wanted != client_id:
                self.answer(400, {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found"})
                return
            expires = int((datetime.now(UTC) + DAY).timestamp())
            self.answer(200, {"access_token": token, "expires_on": str(expires), "token_type": "Bearer"})

    return Identity


def identity_variables(port: int) -> dict[str, str]:
    """Return the variables by which App Service names a managed identity's endpoint, here one on a port."""
    return {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{port}/msi/token", "IDENTITY_HEADER": "header"}


def post_endpoint(take: Callable[[str, str, str, bytes], int]) -> type[BaseHTTPRequestHandler]:
    """Return a handler that hands a POST's path, Authorization, Content-Encoding and body over; it returns a status."""

    class Post(Silent):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            authorization = self.headers.get("Authorization", "")
            status = take(self.path, authorization, self.headers.get("Content-Encoding", ""), body)
            self.answer(status, {})

    return Post


class Silent(BaseHTTPRequestHandler):
    """A handler that logs nothing and answers in JSON."""

    def answer(self, status: int, content: dict[str, Any]) -> None:
        """Send an answer."""
        body = b"" if status == 204 else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""
