"""A certificate authority for tests and demos, its servers' and its clients' certificates.

Made with trustme, which is maintained for this purpose and small; a run without https tests does not need it.
"""

import ssl
from datetime import UTC, datetime, timedelta

import trustme

from swell.config.options import ClientCertificate


class Authority:
    """One authority, made anew: nothing trusts it but what is given ``ca_pem``."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    @property
    def ca_pem(self) -> str:
        """The authority's own certificate, for ``Options.tls_ca``."""
        return self._ca.cert_pem.bytes().decode("ascii")

    def server_pem(self, *hosts: str, has_expired: bool = False) -> str:
        """PEM text of the private key and certificate chain of a server called ``hosts``."""
        return _pem(self._issue(hosts or ("localhost", "127.0.0.1", "::1"), has_expired))

    def server_context(self, *hosts: str, has_expired: bool = False) -> ssl.SSLContext:
        """A context for a server called ``hosts``; it asks for a client certificate, but goes on without."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._issue(hosts or ("localhost", "127.0.0.1", "::1"), has_expired).configure_cert(context)
        self._ca.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context

    def client_certificate(self, name: str = "client", domains: tuple[str, ...] = ()) -> ClientCertificate:
        """A client's certificate with the common name ``name``, as ``Options.tls_auth`` takes it."""
        leaf = self._ca.issue_cert(f"{name}@example.com", common_name=name)
        cert = "".join(blob.bytes().decode("ascii") for blob in leaf.cert_chain_pems)
        return ClientCertificate(cert, leaf.private_key_pem.bytes().decode("ascii"), None, domains)

    def _issue(self, hosts: tuple[str, ...], has_expired: bool) -> trustme.LeafCert:
        if not has_expired:
            return self._ca.issue_cert(*hosts)
        now = datetime.now(UTC)
        return self._ca.issue_cert(
            *hosts, not_before=now - timedelta(days=20), not_after=now - timedelta(days=10)
        )


def _pem(leaf: trustme.LeafCert) -> str:
    return leaf.private_key_and_cert_chain_pem.bytes().decode("ascii")
