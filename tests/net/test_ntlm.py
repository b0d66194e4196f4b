"""NTLM: messages by the examples of [MS-NLMP] 4.2.4, and handshakes with a server on one connection."""

import struct
from collections.abc import Callable, Iterator

import pytest

from swell.metrics.samples import FAILED
from swell.net.ntlm import NTLMAuth, negotiate_message, ntlm_offer, response_key
from swell.testing.ntlm import DOMAIN, KEY, PASSWORD, TIME, USER, NTLMServer, challenge_message, packed, part

AUTH = NTLMAuth(f"{DOMAIN}\\{USER}", PASSWORD)


@pytest.fixture
def server() -> Iterator[NTLMServer]:
    """A server that wants NTLM."""
    with NTLMServer() as running:
        yield running


def test_the_key_is_that_of_the_example() -> None:
    """NTOWFv2 of Domain, User and Password (4.2.4.1.1); the user's name in any case."""
    assert response_key(USER, PASSWORD, DOMAIN) == response_key("uSER", PASSWORD, DOMAIN) == KEY


def test_the_responses_are_those_of_the_example() -> None:
    """LMv2 and the proof of NTLMv2 (4.2.4.2), at time 0 with the client's challenge of the example."""
    message = AUTH.authenticate(challenge_message(), client_challenge=b"\xaa" * 8, now=0)
    assert part(message, 12).hex() == "86c35097ac9cec102554764a57cccc19" + "aa" * 8
    assert part(message, 20)[:16].hex() == "68cd0ab851e51c96aabc927bebef6a1c"
    assert (part(message, 28), part(message, 36)) == (DOMAIN.encode("utf-16-le"), USER.encode("utf-16-le"))
    assert message[72:88] == bytes(16)


@pytest.mark.parametrize(
    ("username", "domain", "user"),
    [("D\\u", "D", "u"), ("u@d.example", "", "u@d.example"), ("u", "", "u"), ("D\\ü", "D", "ü")],
)
def test_domains(username: str, domain: str, user: str) -> None:
    """A domain stands before a backslash; a principal's name is sent whole."""
    message = NTLMAuth(username, "p").authenticate(challenge_message())
    assert (part(message, 28).decode("utf-16-le"), part(message, 36).decode("utf-16-le")) == (domain, user)


def test_a_server_that_sends_its_time_gets_a_mic() -> None:
    """Its time is used, the older response is empty, and the flag says that there is a MIC (3.1.5.1.2)."""
    message = AUTH.authenticate(challenge_message(TIME))
    assert part(message, 12) == bytes(24)
    blob = part(message, 20)[16:]
    assert blob[8:16] == TIME[1]
    assert packed(((6, struct.pack("<I", 2)),))[:-4] in blob
    assert message[72:88] != bytes(16)


@pytest.mark.parametrize(
    "message", [b"", negotiate_message(), challenge_message()[:47], b"NTLMSSP\0\2\0\0\0" + bytes(40)]
)
def test_what_is_no_challenge(message: bytes) -> None:
    """A reason, and no crash: the server may send anything."""
    with pytest.raises(ValueError, match=r"no NTLM message|no Unicode"):
        AUTH.authenticate(message)


def test_a_challenge_that_describes_what_is_not_there() -> None:
    """Places and lengths beyond the message give empty parts."""
    broken = challenge_message()[:40] + struct.pack("<HHI", 60_000, 60_000, 2**31)
    assert AUTH.authenticate(broken)[:8] == b"NTLMSSP\0"
    cut = challenge_message()[:40] + struct.pack("<HHI", 5, 5, 48) + struct.pack("<HHB", 2, 900, 1)
    assert AUTH.authenticate(cut)[:8] == b"NTLMSSP\0"


def test_a_challenge_beyond_all_bounds() -> None:
    """Flags of more than four bytes are cut; a target too long for an answer is a reason, and no crash."""
    message = AUTH.authenticate(challenge_message(TIME, (6, b"\xfd" + b"\xff" * 7)))
    assert packed(((6, b"\xff" * 4),))[:-4] in part(message, 20)
    target = struct.pack("<HH", 1, 65_531) + bytes(65_531)
    long = challenge_message()[:40] + struct.pack("<HHI", 65_535, 65_535, 48) + target
    with pytest.raises(ValueError, match="too long"):
        AUTH.authenticate(long)


@pytest.mark.parametrize(
    ("values", "offered"),
    [
        ([b"NTLM"], ("NTLM", b"")),
        ([b'Basic realm="x"', b"Negotiate", b"NTLM"], ("NTLM", b"")),
        ([b"Negotiate YWI="], ("Negotiate", b"ab")),
        ([b"ntlm"], ("ntlm", b"")),
        ([b'Basic realm="x"'], None),
        ([b"NTLM !!"], None),
        ([], None),
    ],
)
def test_offers(values: list[bytes], offered: tuple[str, bytes] | None) -> None:
    """NTLM goes before Negotiate; what is neither, or cannot be read, is no offer."""
    if offered is None:
        with pytest.raises(ValueError, match="no NTLM"):
            ntlm_offer(values)
    else:
        assert ntlm_offer(values) == offered


def rows(made: object) -> list[tuple[str, bool]]:
    """Status and failed of each record."""
    return [(row["tags"]["status"], bool(row["flags"] & FAILED)) for row in made.records()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("sends_time", [False, True])
def test_a_connection_is_authenticated_once(bench: Callable, scheme: str, sends_time: bool) -> None:
    """Three rounds on one connection, whose 401s are no failures; further requests go out as they are."""
    with NTLMServer(scheme, sends_time=sends_time) as server:
        made = bench()
        first = made.client.request("POST", f"{server.url}/a", content=b"body", auth=AUTH)
        assert first.json() == {"user": USER, "body": "body"}
        assert rows(made) == [("401", False), ("401", False), ("200", False)]
        assert made.client.request("GET", f"{server.url}/b", auth=AUTH).ok
        assert server.seen == [
            (1, "POST", "/a", "none", "body"),
            (1, "POST", "/a", "negotiate", "body"),
            (1, "POST", "/a", "authenticate", "body"),
            (1, "GET", "/b", "none", ""),
        ]


def test_connections_belong_to_their_user(bench: Callable, server: NTLMServer) -> None:
    """Neither a request without credentials nor one with others goes out on an authenticated connection."""
    made = bench()
    url = f"{server.url}/a"
    assert made.client.request("GET", url, auth=AUTH).ok
    assert made.client.request("GET", url).status_code == 401
    assert made.client.request("GET", url, auth=NTLMAuth(f"{DOMAIN}\\{USER}", "wrong")).status_code == 401
    assert [connection for connection, *_ in server.seen] == [1, 1, 1, 2, 3, 3, 3]
    assert rows(made)[-1] == ("401", True)


def test_several_at_once(bench: Callable, server: NTLMServer) -> None:
    """Each handshake of a batch keeps to its connection."""
    made = bench()
    answers = made.client.batch([("GET", f"{server.url}/{number}", {"auth": AUTH}) for number in range(5)])
    assert [answer.status_code for answer in answers] == [200] * 5
    handshakes = {(connection, path) for connection, _, path, kind, _ in server.seen if kind != "none"}
    assert len(handshakes) == len({path for _, path in handshakes})


def test_redirects(bench: Callable, server: NTLMServer) -> None:
    """On the same host the connection is the user's already: nothing is said again."""
    made = bench()
    answer = made.client.request("GET", f"{server.url}/redirect", auth=AUTH)
    assert (answer.status_code, answer.url) == (200, f"{server.url}/further")
    assert [kind for *_, kind, _ in server.seen] == ["none", "negotiate", "authenticate", "none"]


def test_a_server_without_ntlm_is_named_once(bench: Callable) -> None:
    """The 401 is the answer, and the log says why there was no handshake."""
    made = bench()
    with NTLMServer("Basic") as server:
        for _ in range(2):
            assert made.client.request("GET", f"{server.url}/a", auth=AUTH).status_code == 401
    told = [text for _, text in made.logged if "NTLM" in text]
    assert told == [f"GET {server.url}/a: the server offers no NTLM authentication"]


def test_streams_are_authenticated_too(bench: Callable, server: NTLMServer) -> None:
    """The rounds of a streamed request are the same."""
    made = bench()
    with made.client.stream("GET", f"{server.url}/a", auth=AUTH) as answer:
        assert b'"User"' in answer.read()
    assert [connection for connection, *_ in server.seen] == [1, 1, 1]


def test_nothing_is_shown() -> None:
    """The password stands in no text about the credentials."""
    assert repr(AUTH) == "NTLMAuth('Domain\\\\User', ****)"
