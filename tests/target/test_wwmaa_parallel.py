"""WWMAA keeps its promises when many come at once, and breaks them when a fault is set to."""

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from target_burst import burst, post
from target_platform import Client, Platform

from swell_target.base.webhooks import sign

SECRET = "whsec_test_secret"
EVENT = "/api/events/evt_load_test_100"


@pytest.fixture
def wwmaa(target: Platform) -> Client:
    """The service, with its data as at the start."""
    client = target["wwmaa"]
    assert client.admin("POST", "/admin/reset", json={"size": "small"}).status_code == 200
    return client


def rsvp(email: str = "", event: str = EVENT, *, paid: bool = False) -> bytes:
    """A registration as it goes over the wire."""
    email = email or f"{uuid.uuid4()}@wwmaa.com"
    body: dict[str, Any] = {"participant": {"email": email, "first_name": "A", "last_name": "B"}}
    if paid:
        body["payment"] = {"payment_method": "pm_card_visa"}
    return post(f"{event}/rsvp", json.dumps(body).encode())


def webhook(event_id: str, kind: str = "payment_intent.succeeded") -> bytes:
    """A signed webhook as it goes over the wire."""
    subject = {"id": "pi_1", "amount": 9900, "metadata": {"user_id": "user_1", "membership_tier": "elite"}}
    body = json.dumps({"id": event_id, "type": kind, "created": 1, "data": {"object": subject}}).encode()
    return post("/api/webhooks/stripe", body, {"stripe-signature": sign(SECRET, body, int(time.time()))})


def books(client: Client) -> dict[str, Any]:
    """The operator's report."""
    return dict(client.admin("GET", "/admin/consistency").json())


def test_five_hundred_at_once_for_a_hundred_places(wwmaa: Client) -> None:
    """Exactly a hundred get one, each other is told that the event is full, and the books agree."""
    before = books(wwmaa)["registrations"]
    answers = burst(wwmaa.url, [rsvp(paid=number % 3 == 0) for number in range(500)])
    assert Counter(answer.status for answer in answers) == {201: 100, 400: 400}
    refused = [answer.body["error"] for answer in answers if answer.status == 400]
    assert all("full" in error and "capacity" in error for error in refused)
    counts = sorted(answer.body["current_registrations"] for answer in answers if answer.status == 201)
    assert counts == list(range(1, 101))
    event = wwmaa.get(EVENT).json()
    assert (event["current_registrations"], event["available_spots"]) == (100, 0)
    after = books(wwmaa)
    assert (after["consistent"], after["registrations"]) == (True, before + 100)


def test_one_address_at_once_gets_one_place(wwmaa: Client) -> None:
    """A hundred times the same e-mail: one place, the others are duplicates."""
    answers = burst(wwmaa.url, [rsvp("same@wwmaa.com") for _ in range(100)])
    assert Counter(answer.status for answer in answers) == {201: 1, 409: 99}
    assert wwmaa.get(EVENT).json()["current_registrations"] == 1


def test_one_webhook_a_hundred_times_at_once_is_processed_once(wwmaa: Client) -> None:
    """Each delivery gets 200; one is the first; there is one payment."""
    answers = burst(wwmaa.url, [webhook("evt_hundred")] * 100)
    assert {answer.status for answer in answers} == {200}
    assert all(answer.body["received"] is True for answer in answers)
    assert sum(not answer.body.get("duplicate", False) for answer in answers) == 1
    seen = wwmaa.admin("GET", "/admin/webhooks/evt_hundred").json()
    assert (seen["processed"], seen["payments"]) == (1, 1)


def test_three_hundred_webhooks_at_once_are_all_processed(wwmaa: Client) -> None:
    """None is dropped, and events of one subscription do not disturb each other."""
    kinds = ("payment_intent.succeeded", "customer.subscription.updated", "invoice.payment_succeeded")
    answers = burst(wwmaa.url, [webhook(f"evt_many_{number}", kinds[number % 3]) for number in range(300)])
    assert Counter(answer.status for answer in answers) == {200: 300}
    after = books(wwmaa)
    assert (after["consistent"], after["webhooks"], after["payments"]) == (True, 300, 200)


def test_refresh_tokens_work_once_at_once(wwmaa: Client) -> None:
    """Twenty refreshes with one token: one gets a pair."""
    login = {"email": "loadtest_user_1@wwmaa.com", "password": "test_password_123"}
    token = wwmaa.post("/api/auth/login", json=login).json()["refresh_token"]
    request = post("/api/auth/refresh", json.dumps({"refresh_token": token}).encode())
    assert Counter(answer.status for answer in burst(wwmaa.url, [request] * 20)) == {200: 1, 401: 19}


def test_the_last_places_of_a_session_are_not_given_twice(wwmaa: Client) -> None:
    """Forty join a session of five at once: five are in."""
    path = "/api/rtc/sessions/test_session_small"
    requests = [post(f"{path}/join", json.dumps({"user_id": f"u{n}"}).encode()) for n in range(40)]
    assert Counter(answer.status for answer in burst(wwmaa.url, requests)) == {200: 5, 403: 35}
    assert wwmaa.get(path).json()["participants"] == 5


def test_confirmations_are_sent(wwmaa: Client) -> None:
    """Each registration's mail leaves the table's queue, once."""
    burst(wwmaa.url, [rsvp() for _ in range(20)])
    while books(wwmaa)["mails_waiting"]:
        pass
    assert books(wwmaa)["mails_sent"] == 20


def test_the_race_overbooks(target: Platform, wwmaa: Client) -> None:
    """Under the fault more get a place than there are, and the operator's report says so."""
    with target.faults("wwmaa", [{"type": "rsvp_race", "gap_ms": 300}]):
        answers = burst(wwmaa.url, [rsvp() for _ in range(150)])
    assert sum(answer.status == 201 for answer in answers) > 100
    after = books(wwmaa)
    assert after["consistent"] is False
    assert after["faults"][0].startswith("event evt_load_test_100 is overbooked")


def test_webhooks_are_dropped_on_demand(target: Platform, wwmaa: Client) -> None:
    """Under the fault the answer is as usual, and nothing was processed."""
    with target.faults("wwmaa", [{"type": "drop_webhooks", "rate": 1.0}]):
        answer = burst(wwmaa.url, [webhook("evt_dropped")])[0]
    assert (answer.status, answer.body["received"]) == (200, True)
    assert wwmaa.admin("GET", "/admin/webhooks/evt_dropped").status_code == 404


def test_webhooks_are_processed_twice_on_demand(target: Platform, wwmaa: Client) -> None:
    """Under the fault a second delivery makes a second payment, and the operator's report says so."""
    with target.faults("wwmaa", [{"type": "duplicate_webhooks", "rate": 1.0}]):
        burst(wwmaa.url, [webhook("evt_twice")])
        burst(wwmaa.url, [webhook("evt_twice")])
    seen = wwmaa.admin("GET", "/admin/webhooks/evt_twice").json()
    assert (seen["processed"], seen["payments"]) == (2, 2)
    assert "webhook evt_twice was processed 2 times" in books(wwmaa)["faults"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of this module's own, with rate limits, that may crash."""
    with Platform(tmp_path_factory.mktemp("own") / "data", "--limits", services="wwmaa") as platform:
        yield platform


def crash(platform: Platform, endpoint: str, statements: int, request: bytes) -> None:
    """Send a request that its process does not survive."""
    client = platform["wwmaa"]
    fault = {"type": "crash", "endpoint": endpoint, "after_statements": statements}
    assert client.admin("PUT", "/admin/faults", json={"faults": [fault]}).status_code == 200
    with pytest.raises((IndexError, ConnectionError)):
        burst(client.url, [request])
    # Its connections died with the process; those of the next one wait until it is there.
    client.session.close()


@pytest.mark.process
def test_a_crash_in_a_registration_leaves_all_or_nothing(own: Platform) -> None:
    """Between its statements or after the commit: the books agree."""
    before = books(own["wwmaa"])["registrations"]
    for statements, kept in ((3, 0), (-1, 1)):
        crash(own, "rsvp", statements, rsvp())
        after = books(own["wwmaa"])
        assert (after["consistent"], after["registrations"]) == (True, before + kept)


@pytest.mark.process
def test_a_webhook_that_met_a_crash_is_processed_when_it_comes_again(own: Platform) -> None:
    """The event was noted and not yet applied: neither is kept, so the second delivery is the first."""
    crash(own, "webhook", 1, webhook("evt_crash"))
    client = own["wwmaa"]
    assert client.admin("GET", "/admin/webhooks/evt_crash").status_code == 404
    answer = burst(client.url, [webhook("evt_crash")])[0]
    assert "duplicate" not in answer.body
    seen = client.admin("GET", "/admin/webhooks/evt_crash").json()
    assert (seen["processed"], seen["payments"]) == (1, 1)


@pytest.mark.process
def test_limits_are_on_when_they_are_wanted(own: Platform) -> None:
    """``--limits``: the sixth login of a minute from one address gets 429 and is told when to come back."""
    login = {"email": "loadtest_user_1@wwmaa.com", "password": "test_password_123"}
    answers = [own["wwmaa"].post("/api/auth/login", json=login) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert isinstance(answers[-1].json()["error"], str)
