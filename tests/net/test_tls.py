"""TLS contexts: what the options ask for is what a handshake does, and bad options are told at once."""

import ssl

import pytest
from cryptography.hazmat.primitives import serialization

from swell.base.errors import ConfigError
from swell.config.options import ClientCertificate, Options
from swell.net.failure import failure_from
from swell.net.tls import (
    SUITES,
    TLS13_SUITES,
    VERSION_NAMES,
    VERSIONS,
    TlsContexts,
    build_context,
    handshake_facts,
)
from swell.testing.certificates import Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    """One authority for all tests here."""
    return Authority()


def shake(client_context: ssl.SSLContext, server_context: ssl.SSLContext, host: str = "localhost"):
    """Do a handshake in memory; the two ends. Raises what the client's end raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                if end is client:
                    raise
    assert not waiting
    return client, server


def test_a_known_authority_is_trusted(authority):
    """A custom authority is added, the name is checked, and the facts are in k6's words."""
    contexts = TlsContexts(Options(tls_ca=authority.ca_pem))
    client, _ = shake(contexts.context_for("localhost"), authority.server_context("localhost"))
    facts = handshake_facts(client)
    assert facts.version == "tls1.3"
    assert facts.cipher_suite in TLS13_SUITES
    assert facts.protocol == "http/1.1"
    assert contexts.context_for("other") is contexts.context_for("localhost")
    client, _ = shake(contexts.context_for("127.0.0.1"), authority.server_context("127.0.0.1"), "127.0.0.1")
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize(
    ("options", "host", "has_expired", "code", "text"),
    [
        ({"tls_ca": ""}, "localhost", False, 1310, "tls: certificate signed by unknown authority"),
        ({}, "wrong.example", False, 1311, "tls: the certificate is not for this host"),
        ({}, "127.0.0.9", False, 1311, "tls: the certificate is not for this host"),
        ({}, "localhost", True, 1300, "tls: certificate refused: certificate has expired"),
        ({"tls_version_max": "tls1.1"}, "localhost", False, 1300, None),
    ],
)
def test_refusals(authority, options, host, has_expired, code, text):
    """Each way a certificate can be wrong has its code."""
    context = build_context(Options(**{"tls_ca": authority.ca_pem} | options))
    with pytest.raises(ssl.SSLError) as caught:
        shake(context, authority.server_context("localhost", has_expired=has_expired), host)
    failure = failure_from(caught.value, "tls")
    assert failure.code == code
    if text is not None:
        assert failure.message == text


def test_verification_can_be_skipped(authority):
    """``insecure_skip_tls_verify`` takes any certificate for any host."""
    context = build_context(Options(insecure_skip_tls_verify=True))
    client, _ = shake(context, authority.server_context("localhost", has_expired=True), "wrong.example")
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [
        ("tls1.2", "tls1.2", "tls1.2"),
        ("tls1.3", "", "tls1.3"),
        ("", "tls1.2", "tls1.2"),
        ("tls1.0", "", "tls1.3"),
    ],
)
def test_versions(authority, lowest, highest, expected):
    """The agreed version lies within the limits, with k6's names."""
    options = Options(tls_ca=authority.ca_pem, tls_version_min=lowest, tls_version_max=highest)
    client, _ = shake(build_context(options), authority.server_context("localhost"))
    assert handshake_facts(client).version == expected


@pytest.mark.parametrize("name", ["tls1.0", "tls1.1"])
def test_old_versions_can_be_had(name):
    """Versions that OpenSSL's default level forbids work when they are asked for, without a warning."""
    context = build_context(Options(tls_version_min=name, tls_version_max=name))
    assert context.minimum_version == context.maximum_version == VERSIONS[name]
    assert any(cipher["protocol"] in ("SSLv3", "TLSv1.0") for cipher in context.get_ciphers())


def test_cipher_suites(authority):
    """IANA's names select OpenSSL's suites, and the facts give IANA's name back."""
    name = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    options = Options(tls_ca=authority.ca_pem, tls_version_max="tls1.2", tls_cipher_suites=(name,))
    client, _ = shake(build_context(options), authority.server_context("localhost"))
    assert handshake_facts(client).cipher_suite == name


def test_suites_of_tls13_only(authority):
    """When only suites of TLS 1.3 are wanted, nothing older is agreed on."""
    options = Options(tls_ca=authority.ca_pem, tls_cipher_suites=("TLS_AES_128_GCM_SHA256",))
    client, _ = shake(build_context(options), authority.server_context("localhost"))
    assert handshake_facts(client).version == "tls1.3"
    assert build_context(options).minimum_version == ssl.TLSVersion.TLSv1_3


def test_modern_suites_are_in_this_openssl():
    """Every name in the table is one that OpenSSL knows, where its build has the algorithm."""
    for name, openssl_name in SUITES.items():
        if "RC4" not in name and "3DES" not in name:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.set_ciphers(openssl_name)
            assert openssl_name in {cipher["name"] for cipher in context.get_ciphers()}
    assert list(VERSION_NAMES.values()) == list(VERSIONS)


def test_client_certificates_by_host(authority):
    """The certificate whose domains match is sent, else the one without domains."""
    everywhere = authority.client_certificate("everywhere")
    named = authority.client_certificate("named", ("api.example.com", "*.internal"))
    contexts = TlsContexts(Options(tls_ca=authority.ca_pem, tls_auth=(everywhere, named)))
    server_context = authority.server_context("localhost")
    seen = {}
    for host in ("api.example.com", "x.internal", "internal", "other"):
        _, server = shake(contexts.context_for(host), server_context)
        subject = dict(part[0] for part in server.getpeercert()["subject"])
        seen[host] = subject["commonName"]
    assert seen == {
        "api.example.com": "named",
        "x.internal": "named",
        "internal": "everywhere",
        "other": "everywhere",
    }
    assert contexts.context_for("a.internal") is contexts.context_for("b.internal")


def encrypted(certificate: ClientCertificate, password: str) -> ClientCertificate:
    """The same with its key under a password."""
    key = serialization.load_pem_private_key(certificate.key.encode(), None)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    ).decode()
    return ClientCertificate(certificate.cert, text, password)


def test_passwords(authority):
    """A key under a password is opened by it; a wrong or missing one is a fault, not a prompt that hangs."""
    good = encrypted(authority.client_certificate(), "secret")
    build_context(Options(tls_auth=(good,)))
    for password in ("wrong", None):
        bad = ClientCertificate(good.cert, good.key, password)
        with pytest.raises(ConfigError) as caught:
            TlsContexts(Options(tls_auth=(bad,)))
        assert caught.value.faults[0].place == "tls_auth[0]"
        assert "secret" not in str(caught.value)


def test_all_bad_options_at_once(authority):
    """Every fault is reported with its place and a remedy, before anything is connected."""
    one, other = authority.client_certificate("one"), authority.client_certificate("other")
    options = Options(
        tls_version_min="tls1.9",
        tls_version_max="ssl3.0",
        tls_cipher_suites=("TLS_AES_128_GCM_SHA256", "NOPE", "TLS_RSA_WITH_AES_128_CBC_SHA"),
        tls_ca="no PEM \u20ac",
        tls_auth=(ClientCertificate(one.cert, other.key), ClientCertificate("x", "y")),
    )
    with pytest.raises(ConfigError) as caught:
        TlsContexts(options)
    assert [fault.place for fault in caught.value.faults] == [
        "tls_version.min",
        "tls_version.max",
        "tls_cipher_suites[1]",
        "tls_ca",
        "tls_auth",
        "tls_auth[0]",
        "tls_auth[1]",
    ]
    assert all(fault.hint for fault in caught.value.faults)


def test_versions_the_wrong_way_round():
    """A minimum above the maximum is a fault."""
    with pytest.raises(ConfigError, match=r"min tls1\.3 is above max tls1\.2"):
        TlsContexts(Options(tls_version_min="tls1.3", tls_version_max="tls1.2"))


def test_keys_can_be_logged(authority, tmp_path):
    """A key log for packet captures is written where it is asked for."""
    path = tmp_path / "keys.txt"
    contexts = TlsContexts(Options(tls_ca=authority.ca_pem), keylog_path=str(path))
    shake(contexts.context_for("localhost"), authority.server_context("localhost"))
    assert "CLIENT_HANDSHAKE_TRAFFIC_SECRET" in path.read_text()
