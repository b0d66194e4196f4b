"""TLS contexts from the options, each built once, and the facts of a handshake in k6's words.

Loading the system's authorities takes tens of milliseconds, so a context serves all connections of a
worker. Python can hold one client certificate per context and cannot choose by the server's request, as Go
can; so the certificates are chosen by host: the first whose ``domains`` match, else the one without
domains.
"""

import ssl
import tempfile
import warnings
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from swell.base.errors import ConfigError, Fault
from swell.config.options import ClientCertificate, Options

VERSIONS: Final[dict[str, ssl.TLSVersion]] = {
    "tls1.0": ssl.TLSVersion.TLSv1,
    "tls1.1": ssl.TLSVersion.TLSv1_1,
    "tls1.2": ssl.TLSVersion.TLSv1_2,
    "tls1.3": ssl.TLSVersion.TLSv1_3,
}
VERSION_NAMES: Final[dict[str, str]] = {
    "TLSv1": "tls1.0",
    "TLSv1.1": "tls1.1",
    "TLSv1.2": "tls1.2",
    "TLSv1.3": "tls1.3",
}
"""OpenSSL's names of versions to k6's."""

# IANA's names, which are Go's and so k6's, to OpenSSL's. Those of TLS 1.3 are the same in both, cannot be
# switched off in either, and stand in TLS13_SUITES.
SUITES: Final[dict[str, str]] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384": "ECDHE-ECDSA-AES256-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA": "ECDHE-ECDSA-RC4-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384": "ECDHE-RSA-AES256-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": "ECDHE-RSA-DES-CBC3-SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA": "ECDHE-RSA-RC4-SHA",
    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256": "DHE-RSA-AES128-GCM-SHA256",
    "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384": "DHE-RSA-AES256-GCM-SHA384",
    "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "DHE-RSA-CHACHA20-POLY1305",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA": "DHE-RSA-AES128-SHA",
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA": "DHE-RSA-AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA256": "AES256-SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": "DES-CBC3-SHA",
    "TLS_RSA_WITH_RC4_128_SHA": "RC4-SHA",
}
TLS13_SUITES: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)
# The later of two IANA names for one suite loses: TLS_..._POLY1305_SHA256 is the registered one.
_IANA_NAMES: Final = {name: iana for iana, name in reversed(SUITES.items())} | {
    name: iana for iana, name in SUITES.items() if iana.endswith("_SHA256")
}


class TlsFacts(NamedTuple):
    """What a handshake agreed on, as k6 names it: ``tls1.3``, ``TLS_AES_128_GCM_SHA256``, ``http/1.1``."""

    version: str
    cipher_suite: str
    protocol: str


class _Handshaken(Protocol):
    """The part of ``ssl.SSLObject`` and ``ssl.SSLSocket`` that the facts come from."""

    def version(self) -> str | None: ...
    def cipher(self) -> tuple[str, str, int] | None: ...
    def selected_alpn_protocol(self) -> str | None: ...


def handshake_facts(connection: _Handshaken) -> TlsFacts:
    """The facts of a finished handshake; empty texts where OpenSSL gives none."""
    version = connection.version() or ""
    cipher = connection.cipher()
    name = cipher[0] if cipher else ""
    return TlsFacts(
        VERSION_NAMES.get(version, version.lower()),
        _IANA_NAMES.get(name, name),
        connection.selected_alpn_protocol() or "",
    )


class TlsContexts:
    """The contexts of a run: built when the first https request asks, one per client certificate.

    The constructor checks the options without loading the system's authorities and raises ``ConfigError``
    with every fault of tls_version, tls_cipher_suites, tls_ca and tls_auth.
    """

    def __init__(self, options: Options, *, keylog_path: str = "") -> None:
        self._options = options
        self._keylog_path = keylog_path
        self._contexts: dict[int, ssl.SSLContext] = {}
        faults: list[Fault] = []
        _check_versions(options, faults)
        check_suites(options.tls_cipher_suites, faults)
        _check_authorities(options.tls_ca, faults)
        _check_certificates(options.tls_auth, faults)
        if faults:
            raise ConfigError(tuple(faults))

    def context_for(self, host: str) -> ssl.SSLContext:
        """The context for connections to ``host``; built once per client certificate."""
        number = self._certificate_for(host) if self._options.tls_auth else -1
        context = self._contexts.get(number)
        if context is None:
            context = self._build(self._options.tls_auth[number] if number >= 0 else None)
            self._contexts[number] = context
        return context

    def _certificate_for(self, host: str) -> int:
        fallback = -1
        for number, certificate in enumerate(self._options.tls_auth):
            if not certificate.domains:
                fallback = number
            elif any(_matches(host, domain) for domain in certificate.domains):
                return number
        return fallback

    def _build(self, certificate: ClientCertificate | None) -> ssl.SSLContext:
        options = self._options
        context = _bare_context()
        _set_versions(context, options)
        _set_suites(context, options)
        context.set_alpn_protocols(["http/1.1"])
        # Go does not look at the common name of a certificate, and neither do browsers.
        context.hostname_checks_common_name = False
        if options.insecure_skip_tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            context.load_default_certs()
            if options.tls_ca:
                context.load_verify_locations(cadata=options.tls_ca)
        if certificate is not None:
            load_certificate(context, certificate)
        if self._keylog_path:
            context.keylog_filename = self._keylog_path
        return context


def build_context(options: Options) -> ssl.SSLContext:
    """A context for hosts that no client certificate names.

    Raises ``ConfigError`` as ``TlsContexts`` does.
    """
    return TlsContexts(options).context_for("")


def load_certificate(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    """Give ``context`` a client certificate from PEM text.

    Raises ``ssl.SSLError`` for a pair that does not match, text that is no PEM, or a wrong password.
    """
    # OpenSSL reads from files only; the directory is ours alone and gone before anything is sent.
    with tempfile.TemporaryDirectory(prefix="swell-tls-") as directory:
        cert_path = Path(directory, "cert.pem")
        key_path = Path(directory, "key.pem")
        cert_path.write_text(certificate.cert, encoding="utf-8")
        key_path.touch(mode=0o600)
        key_path.write_text(certificate.key, encoding="utf-8")
        # Always a password: OpenSSL would ask for one on the terminal, and the run would hang there.
        context.load_cert_chain(cert_path, key_path, password=certificate.password or "")


# Checks: every fault, before anything is started.


def _bare_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _check_versions(options: Options, faults: list[Fault]) -> None:
    known = True
    for place, value in (
        ("tls_version.min", options.tls_version_min),
        ("tls_version.max", options.tls_version_max),
    ):
        if value and value not in VERSIONS:
            known = False
            faults.append(
                Fault(place, f"{value!r} is not a TLS version", f"use one of {', '.join(VERSIONS)}")
            )
    lowest, highest = options.tls_version_min, options.tls_version_max
    if known and lowest and highest and VERSIONS[lowest] > VERSIONS[highest]:
        faults.append(Fault("tls_version", f"min {lowest} is above max {highest}", "swap them"))


def check_suites(names: tuple[str, ...], faults: list[Fault]) -> None:
    """Add a fault for each of ``names``, IANA's, that is no suite or that this Python lacks."""
    for number, name in enumerate(names):
        place = f"tls_cipher_suites[{number}]"
        if name in TLS13_SUITES:
            continue
        openssl_name = SUITES.get(name)
        if openssl_name is None:
            hint = "use the IANA name, as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
            faults.append(Fault(place, f"{name!r} is not a cipher suite that swell knows", hint))
            continue
        try:
            _bare_context().set_ciphers(f"{openssl_name}:@SECLEVEL=0")
        except ssl.SSLError:
            hint = "leave it out, or use a build of OpenSSL that has it"
            faults.append(Fault(place, f"{name} is not in this Python's {ssl.OPENSSL_VERSION}", hint))


def _check_authorities(pem: str, faults: list[Fault]) -> None:
    if not pem:
        return
    try:
        _bare_context().load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError, TypeError) as exc:  # TypeError: text that is not ASCII
        hint = "give PEM text with BEGIN CERTIFICATE lines"
        faults.append(Fault("tls_ca", f"not usable: {_openssl_text(exc)}", hint))


def _check_certificates(certificates: tuple[ClientCertificate, ...], faults: list[Fault]) -> None:
    without_domains = [number for number, each in enumerate(certificates) if not each.domains]
    if len(without_domains) > 1:
        places = " and ".join(f"tls_auth[{number}]" for number in without_domains)
        hint = "give each its domains, so that the host decides which one is sent"
        faults.append(Fault("tls_auth", f"{places} are both for all hosts", hint))
    for number, certificate in enumerate(certificates):
        try:
            load_certificate(_bare_context(), certificate)
        except (ssl.SSLError, ValueError, OSError) as exc:
            hint = "check that cert and key are PEM text of one pair, and the password"
            faults.append(Fault(f"tls_auth[{number}]", f"not usable: {_openssl_text(exc)}", hint))


def _openssl_text(exc: Exception) -> str:
    reason = getattr(exc, "reason", None)
    if isinstance(exc, ssl.SSLError) and reason:
        return str(reason).lower().replace("_", " ")
    # The line of CPython's source that ends the text is nothing to the user.
    text = " ".join(str(getattr(exc, "strerror", None) or exc).split())
    return text.partition(" (_ssl.c")[0].removeprefix("[SSL] ")[:200]


def _set_versions(context: ssl.SSLContext, options: Options) -> None:
    with warnings.catch_warnings():
        # Python warns of TLS 1.0 and 1.1; here the user asked for them by name.
        warnings.simplefilter("ignore", DeprecationWarning)
        lowest = VERSIONS.get(options.tls_version_min, ssl.TLSVersion.TLSv1_2)
        highest = VERSIONS.get(options.tls_version_max, ssl.TLSVersion.MAXIMUM_SUPPORTED)
        if options.tls_version_max and highest < lowest:
            lowest = highest  # only a maximum is set, and it is below the default minimum
        context.minimum_version = lowest
        context.maximum_version = highest


def _set_suites(context: ssl.SSLContext, options: Options) -> None:
    wanted = [SUITES[name] for name in options.tls_cipher_suites if name in SUITES]
    old_version = VERSIONS.get(options.tls_version_min or options.tls_version_max, ssl.TLSVersion.TLSv1_2)
    # OpenSSL refuses TLS 1.0, 1.1 and weak suites above security level 0, whatever the version range says.
    weak = any("RC4" in name or "DES-CBC3" in name for name in wanted)
    level = ":@SECLEVEL=0" if old_version < ssl.TLSVersion.TLSv1_2 or weak else ""
    if wanted:
        context.set_ciphers(":".join(wanted) + level)
    elif options.tls_cipher_suites:
        # Only suites of TLS 1.3 are wanted, so nothing older may be agreed on.
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    elif level:
        context.set_ciphers("DEFAULT" + level)


def _matches(host: str, domain: str) -> bool:
    """Exact, or ``*.example.com`` for names one or more labels below, as Go's NameToCertificate."""
    domain = domain.lower()
    if domain.startswith("*."):
        return host.endswith(domain[1:])
    return host == domain
