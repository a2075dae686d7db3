"""Certificates for servers on loopback, from an authority that nobody else trusts."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Certified:
    """What a server shows, and what a client checks it with."""

    server: ssl.SSLContext
    ca_file: Path

    @property
    def client(self) -> ssl.SSLContext:
        """A context for a client that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.ca_file)


@contextmanager
def loopback_certificate(*names: str) -> Iterator[Certified]:
    """Makes a certificate for loopback, or for other names to see them refused."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(server)
    with authority.cert_pem.tempfile() as ca_file:
        yield Certified(server, Path(ca_file))
