"""A server that answers as a test tells it, and names that lead where a test says."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: What a path is answered with: raw bytes, or pieces of them; a path that is not there is never answered.
Answers = Mapping[str, bytes | Callable[[], Iterable[bytes]]]


def answer(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """headers: with `_` for `-`. Without a Content_Length of its own, the body's; an empty one leaves it out."""
    lines = {"Content-Type": "image/png", "Content-Length": str(len(body))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + body


def redirect(target: str, status: int = 302) -> bytes:
    return answer(status=status, Location=target)


class HttpPlace:
    """Listens on all addresses of this machine, both families. seen: heads of requests; accepted: connections."""

    def __init__(self, answers: Answers, tls: ssl.SSLContext | None = None) -> None:
        self._answers = answers
        self._tls = tls
        self._closing = threading.Event()
        self.seen: list[str] = []
        self.accepted = 0
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def pause(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._closing.is_set():
                connection.close()
                return
            self.accepted += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(10)
            if self._tls is None:
                self._answer(connection)
            else:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._answer(secured)

    def _answer(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := connection.recv(65536)):
                return
            head += piece
        self.seen.append(head.decode("latin-1"))
        script = self._answers.get(head.split()[1].decode("latin-1"))
        if script is None:
            self._closing.wait(30)
            return
        for piece in [script] if isinstance(script, bytes) else script():
            if self._closing.is_set():
                return
            connection.sendall(piece)


class Names:
    """Stands in for `socket.getaddrinfo`. What it does not know goes to the real one, so numbers in any form do.

    known: addresses by name, one list for each look-up, the last one for all that follow. routes: where the
    connection to an address goes in truth. asked: the names that were looked up. connected: the routed addresses.
    """

    def __init__(
        self, known: Mapping[str, Sequence[Sequence[str]]], routes: Mapping[str, str] | None = None
    ) -> None:
        self._known = {name: list(answers) for name, answers in known.items()}
        self._routes = routes or {}
        self._real = socket.getaddrinfo
        self.asked: list[str] = []
        self.connected: list[str] = []

    def getaddrinfo(self, host: str, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if host in self._routes:
            self.connected.append(host)
            return self._real(self._routes[host], port, socket.AF_INET, socket.SOCK_STREAM)
        if not _is_number(host):
            self.asked.append(host)
        if host not in self._known:
            if host.endswith((".test", ".test.")):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return self._real(host, port, *args, **kwargs)
        answers = self._known[host]
        return [_entry(address, port) for address in (answers.pop(0) if len(answers) > 1 else answers[0])]


def _entry(address: str, port: int) -> Any:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)


def _is_number(host: str) -> bool:
    with suppress(ValueError):
        ip_address(host)
        return True
    return False


class Authority:
    """Signs certificates. file: its own certificate, PEM."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name("tests")
        self.file = folder / "ca.pem"
        certificate = _builder(self._name, self._name, self._key, is_ca=True).sign(self._key, hashes.SHA256())
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server_context(self, name: str) -> ssl.SSLContext:
        """For a server of this host name, or of this address."""
        key = ec.generate_private_key(ec.SECP256R1())
        entry = x509.IPAddress(ip_address(name)) if _is_number(name) else x509.DNSName(name)
        builder = _builder(_common_name("server"), self._name, key, is_ca=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([entry]), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        file = self._folder / "server.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, is_ca: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
