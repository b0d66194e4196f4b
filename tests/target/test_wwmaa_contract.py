"""WWMAA honours its contract: statuses, fields, types, and JSON with a string ``error`` for every error."""

import json
import time
import uuid
from typing import Any

import pytest
from target_platform import Client, Platform
from target_wwmaa import LOGIN, bearer, log_in

QUESTIONS = [
    "What are the best techniques for beginners?",
    "How do I prepare for my black belt test?",
    "Where can I learn self defense near me?",
    "What is the difference between karate and taekwondo?",
    "How can I improve my flexibility for high kicks?",
    "Which martial art is best for children?",
    "How often should I train each week?",
    "What should I eat before a tournament?",
    "How do I become a certified instructor?",
    "xyzzy plugh?",
]


@pytest.fixture
def wwmaa(target: Platform) -> Client:
    """The service."""
    return target["wwmaa"]


def participant(email: str = "") -> dict[str, str]:
    """Somebody new, or with that address."""
    email = email or f"loadtest+{uuid.uuid4()}@wwmaa.com"
    return {"email": email, "first_name": "Load", "last_name": "Test", "phone": "+15550000042"}


PAYMENT = {
    "payment_method": "pm_card_visa",
    "billing_details": {
        "name": "Load Test",
        "email": "loadtest@wwmaa.com",
        "address": {
            "line1": "1 Street",
            "city": "Town",
            "state": "CA",
            "postal_code": "90001",
            "country": "US",
        },
    },
}


# --- Search -------------------------------------------------------------------------------------------------


def test_search_answers_results_as_json(wwmaa: Client) -> None:
    """W2: 200, JSON, ``results`` with titles that fit."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    response = wwmaa.get("/api/search?q=kata", headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    body = response.json()
    assert body["total"] >= len(body["results"]) > 0
    assert "kata" in body["results"][0]["title"].lower()
    scores = [result["relevance_score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_always_finds_something(wwmaa: Client, question: str) -> None:
    """W2: a semantic search has a result with a relevance score, whatever is asked."""
    body = wwmaa.get("/api/search", params={"q": question, "semantic": "true"}).json()
    assert body["semantic"] is True
    assert all(0 < result["relevance_score"] <= 1 for result in body["results"])
    assert body["results"]


def test_a_question_finds_what_it_is_about(wwmaa: Client) -> None:
    """Words that every question has do not decide: the best answer names the subject."""
    body = wwmaa.get("/api/search", params={"q": "How do I improve my nutrition?", "semantic": "true"}).json()
    assert "nutrition" in json.dumps(body["results"][0]).lower()


@pytest.mark.parametrize(
    ("name", "value", "field", "wanted"),
    [
        ("style", "karate", "style", {"Karate"}),
        ("style", "brazilian-jiu-jitsu", "style", {"Brazilian Jiu-Jitsu"}),
        ("level", "beginner", "level", {"Beginner"}),
        ("type", "video", "type", {"video"}),
        ("rank", "black-belt", "rank", None),
        ("age_group", "children", "age_group", {"Children"}),
        ("category", "self-defense", "category", {"Self-Defense"}),
        ("verified", "true", "verified", {True}),
        ("verified", "false", "verified", {False}),
        ("location", "California", "location", None),
    ],
)
def test_a_filter_lets_only_its_own_through(
    wwmaa: Client, name: str, value: str, field: str, wanted: set[object] | None
) -> None:
    """Every filter narrows the results; how a value is written does not matter."""
    body = wwmaa.get("/api/search", params={"q": "training", name: value, "limit": "50"}).json()
    found = {result[field] for result in body["results"]}
    assert found, name
    if wanted is not None:
        assert found == wanted
    elif name == "rank":
        assert all(rank.startswith("Black Belt") for rank in found)
    else:
        assert all(place.endswith(", CA") for place in found)


def test_dates_bound_the_results(wwmaa: Client) -> None:
    """``date_from`` and ``date_to`` are inclusive days."""
    days = [row["date"] for row in wwmaa.get("/api/search?q=training&limit=100").json()["results"]]
    middle = sorted(days)[len(days) // 2]
    before = wwmaa.get(f"/api/search?q=training&date_to={middle}&limit=100").json()
    after = wwmaa.get(f"/api/search?q=training&date_from={middle}T00:00:00Z&limit=100").json()
    assert max(row["date"] for row in before["results"]) == middle
    assert min(row["date"] for row in after["results"]) == middle


@pytest.mark.parametrize(
    "filters", ["location=nearby", "verified=certified", "date_from=soon", "style=!!!", "instructor=%25"]
)
def test_an_unknown_filter_value_finds_nothing(wwmaa: Client, filters: str) -> None:
    """It is no error, and no wildcard."""
    response = wwmaa.get(f"/api/search?q=training&{filters}")
    assert (response.status_code, response.json()["results"]) == (200, [])


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", "?q=kata&limit=none", "?q=kata&limit=0", "?q=a%00b"])
def test_a_search_without_a_query_is_refused(wwmaa: Client, query: str) -> None:
    """W2: 422 in JSON."""
    response = wwmaa.get(f"/api/search{query}")
    assert response.status_code == 422
    assert isinstance(response.json()["error"], str)


@pytest.mark.parametrize("q", ['"', "a AND", "NEAR(", "* OR *", "kata'; DROP TABLE x", "ка́та", "a" * 400])
def test_no_query_is_read_as_a_language(wwmaa: Client, q: str) -> None:
    """Operators of the text engines are words like others."""
    assert wwmaa.get("/api/search", params={"q": q}).status_code == 200


def test_suggestions_begin_as_what_was_typed(wwmaa: Client) -> None:
    """The most frequent terms first."""
    found = wwmaa.get("/api/search/suggest?q=ka").json()["suggestions"]
    assert found
    assert all(any(word.startswith("ka") for word in term.split()) for term in found)
    assert wwmaa.get("/api/search/suggest?q=%25").json()["suggestions"] == []


# --- Events -------------------------------------------------------------------------------------------------


def test_the_list_has_events_to_come(wwmaa: Client) -> None:
    """W8: ``events`` with ids, in order of time, page after page."""
    first = wwmaa.get("/api/events?limit=20").json()
    second = wwmaa.get("/api/events?limit=20&page=2").json()
    assert len(first["events"]) == 20
    ids = [event["id"] for event in first["events"] + second["events"]]
    assert len(set(ids)) == len(ids)
    times = [event["start_time"] for event in first["events"] + second["events"]]
    assert times == sorted(times)
    assert times[0] > time.strftime("%Y-%m-%dT%H:%M", time.gmtime())
    assert {event["status"] for event in first["events"]} == {"active"}


def test_an_event_has_what_the_script_reads(wwmaa: Client) -> None:
    """W9: id, title, capacity, description, a count."""
    body = wwmaa.get("/api/events/evt_load_test_001").json()
    assert body["id"] == "evt_load_test_001"
    assert body["title"]
    assert body["description"]
    assert body["capacity"] >= 1000
    assert isinstance(body["current_registrations"], int)


def test_the_search_of_events_wins_over_an_id(wwmaa: Client) -> None:
    """W10: 200 with events that fit, also for no query."""
    body = wwmaa.get("/api/events/search?q=karate").json()
    assert body["events"]
    assert all("karate" in json.dumps(event).lower() for event in body["events"])
    assert wwmaa.get("/api/events/search").json()["events"]


@pytest.mark.parametrize(
    "path", ["/api/events/none", "/api/events/none/registrations?email=a@b.c", "/events/none"]
)
def test_an_unknown_event_is_not_there(wwmaa: Client, path: str) -> None:
    """W9: 404 in JSON, for pages too."""
    response = wwmaa.get(path)
    assert response.status_code == 404
    assert isinstance(response.json()["error"], str)


def test_an_rsvp_takes_a_place(wwmaa: Client) -> None:
    """W11, W12: 201 with ids; the count rises at once; the registration is found by its address as sent."""
    path = "/api/events/evt_load_test_001"
    before = wwmaa.get(path).json()["current_registrations"]
    who = participant()
    response = wwmaa.post(f"{path}/rsvp", json={"event_id": "evt_load_test_001", "participant": who})
    body = response.json()
    assert response.status_code == 201
    assert body["booking_id"] == body["registration_id"]
    assert "payment_status" not in body
    assert wwmaa.get(path).json()["current_registrations"] == before + 1
    found = wwmaa.get(f"{path}/registrations", params={"email": who["email"]}).json()["registrations"]
    assert [one["email"] for one in found] == [who["email"]]
    # A client that leaves the plus as it is means a plus, too.
    unescaped = wwmaa.get(f"{path}/registrations?email={who['email']}").json()["registrations"]
    assert unescaped == found


@pytest.mark.parametrize("event", ["evt_load_test_001", "evt_load_test_paid"])
def test_a_payment_is_taken(wwmaa: Client, event: str) -> None:
    """W11: ``payment_status`` succeeded when a payment is sent, even for a free event."""
    body = {"event_id": event, "participant": participant(), "payment": PAYMENT}
    response = wwmaa.post(f"/api/events/{event}/rsvp", json=body)
    assert (response.status_code, response.json()["payment_status"]) == (201, "succeeded")


def test_a_declined_payment_takes_no_place(wwmaa: Client) -> None:
    """W11: 402, and the address can register again."""
    who = participant()
    declined = {"participant": who, "payment": PAYMENT | {"payment_method": "pm_card_visa_chargeDeclined"}}
    assert wwmaa.post("/api/events/evt_load_test_paid/rsvp", json=declined).status_code == 402
    again = {"participant": who, "payment": PAYMENT}
    assert wwmaa.post("/api/events/evt_load_test_paid/rsvp", json=again).status_code == 201


def test_one_address_has_one_place(wwmaa: Client) -> None:
    """W11: 409 for the second, however it is written."""
    who = participant()
    path = "/api/events/evt_load_test_001/rsvp"
    assert wwmaa.post(path, json={"participant": who}).status_code == 201
    for email in (who["email"], who["email"].upper()):
        response = wwmaa.post(path, json={"participant": who | {"email": email}})
        assert response.status_code == 409
        assert isinstance(response.json()["error"], str)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b"{not json"}, 400),
        ({"json": {}}, 422),
        ({"json": {"participant": participant("no-address")}}, 422),
        ({"json": {"participant": participant("a\0b@c.d")}}, 422),
        ({"json": {"participant": participant(), "payment": {}}}, 422),
        ({"data": b"x" * 1_100_000}, 413),
    ],
)
def test_a_wrong_rsvp_is_refused_in_json(wwmaa: Client, sent: dict[str, Any], status: int) -> None:
    """The right status, a sentence, no stack trace."""
    response = wwmaa.post("/api/events/evt_load_test_001/rsvp", **sent)
    assert response.status_code == status
    assert isinstance(response.json()["error"], str)
    assert "Traceback" not in response.text


def test_an_rsvp_for_an_unknown_event_is_refused(wwmaa: Client) -> None:
    """W11: 404."""
    assert wwmaa.post("/api/events/none/rsvp", json={"participant": participant()}).status_code == 404


# --- Members ------------------------------------------------------------------------------------------------


def test_login_answers_both_tokens(wwmaa: Client) -> None:
    """W13, W14: strings that open what needs them."""
    body = log_in(wwmaa)
    assert isinstance(body["refresh_token"], str)
    me = wwmaa.get("/api/auth/me", headers=bearer(body["access_token"]))
    assert (me.status_code, me.json()["email"]) == (200, LOGIN["email"])


@pytest.mark.parametrize(
    "login",
    [
        {"email": "loadtest_user_0@wwmaa.com"},
        {"email": "loadtest_user_1000@wwmaa.com"},
        {"email": "loadtest@wwmaa.com", "password": "loadtest_password_123"},
        {"email": "admin@wwmaa.com", "password": "admin_password_123"},
    ],
)
def test_the_named_accounts_are_there(wwmaa: Client, login: dict[str, str]) -> None:
    """Those of the documented environment, and numbered ones."""
    assert log_in(wwmaa, **login)["user"]["email"] == login["email"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": LOGIN | {"password": "wrong"}}, 401),
        ({"json": LOGIN | {"email": "nobody@wwmaa.com"}}, 401),
        ({"json": {"email": LOGIN["email"]}}, 422),
        ({"data": "{"}, 400),
    ],
)
def test_a_wrong_login_is_refused_in_json(wwmaa: Client, sent: dict[str, Any], status: int) -> None:
    """W13."""
    response = wwmaa.post("/api/auth/login", **sent)
    assert response.status_code == status
    assert isinstance(response.json()["error"], str)


def test_a_refresh_token_gives_another_pair_once(wwmaa: Client) -> None:
    """W15: the access token differs within the same second; the old refresh token is worth nothing."""
    first = log_in(wwmaa)
    sent = {"refresh_token": first["refresh_token"]}
    second = wwmaa.post("/api/auth/refresh", json=sent).json()
    assert second["access_token"] != first["access_token"]
    assert wwmaa.get("/api/auth/me", headers=bearer(second["access_token"])).status_code == 200
    assert wwmaa.post("/api/auth/refresh", json=sent).status_code == 401
    next_one = {"refresh_token": second["refresh_token"]}
    assert wwmaa.post("/api/auth/refresh", json=next_one).status_code == 200
    # An access token is no refresh token.
    assert wwmaa.post("/api/auth/refresh", json={"refresh_token": first["access_token"]}).status_code == 401


@pytest.mark.parametrize(
    "path", ["auth/me", "users/me/dashboard", "subscriptions/plans", "subscriptions/my-subscription"]
)
@pytest.mark.parametrize("headers", [{}, bearer("wrong"), {"Authorization": "Basic eDp5"}])
def test_members_endpoints_want_a_token(wwmaa: Client, path: str, headers: dict[str, str]) -> None:
    """W14, W17, W18, W19: 401 in JSON."""
    response = wwmaa.get(f"/api/{path}", headers=headers)
    assert response.status_code == 401
    assert isinstance(response.json()["error"], str)


def test_members_see_plans_membership_and_dashboard(wwmaa: Client) -> None:
    """W17, W18, W19: the first hundred have a membership."""
    headers = bearer(log_in(wwmaa)["access_token"])
    plans = wwmaa.get("/api/subscriptions/plans", headers=headers).json()["plans"]
    assert [plan["tier"] for plan in plans] == ["basic", "premium", "elite"]
    own = wwmaa.get("/api/subscriptions/my-subscription", headers=headers)
    assert (own.status_code, own.json()["id"]) == (200, "sub_loadtest_7")
    dashboard = wwmaa.get("/api/users/me/dashboard", headers=headers).json()
    assert dashboard["membership"]["id"] == "sub_loadtest_7"
    assert dashboard["events_attended"] > 0


def test_who_has_no_membership_is_told(wwmaa: Client) -> None:
    """W19: 404 beyond the first hundred."""
    headers = bearer(log_in(wwmaa, email="loadtest_user_500@wwmaa.com")["access_token"])
    assert wwmaa.get("/api/subscriptions/my-subscription", headers=headers).status_code == 404


def test_instructors_are_listed_and_found(wwmaa: Client) -> None:
    """W16."""
    found = wwmaa.get("/api/instructors?limit=20").json()["instructors"]
    assert len(found) == 20
    one = wwmaa.get(f"/api/instructors/{found[3]['id']}")
    assert (one.status_code, one.json()) == (200, found[3])
    assert wwmaa.get("/api/instructors/none").status_code == 404


# --- Live sessions ------------------------------------------------------------------------------------------


SESSION = "/api/rtc/sessions/test_session_001"


def test_the_scripts_session_flow(wwmaa: Client) -> None:
    """W3 to W6: join, video token, health, leave; tokens stand in a URL as they are."""
    user = f"user_1_{uuid.uuid4().hex}"
    joined = wwmaa.post(f"{SESSION}/join", json={"user_id": user, "participant_name": "Load Test User 1"})
    assert joined.status_code == 200
    body = joined.json()
    assert set(body["ws_token"] + body["access_token"]) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
    )
    headers = bearer(body["access_token"])
    video = wwmaa.post(f"{SESSION}/video-token", json={"access_token": body["access_token"]}, headers=headers)
    assert (video.status_code, type(video.json()["video_token"])) == (200, str)
    health = wwmaa.get(f"{SESSION}/video-health", headers=headers)
    assert (health.status_code, health.json()["status"]) == (200, "connected")
    # Joining again is no error: it gives new tokens and takes no second place.
    assert (
        wwmaa.post(f"{SESSION}/join", json={"user_id": user}).json()["participants"] == body["participants"]
    )
    for left in (True, False):
        response = wwmaa.post(f"{SESSION}/leave", json={"user_id": user})
        assert (response.status_code, response.json()["left"]) == (200, left)
    assert wwmaa.get(f"{SESSION}/video-health", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("session", "user", "status"),
    [
        ("none", "somebody", 404),
        ("test_session_001", "banned_user", 403),
        ("test_session_ended", "somebody", 403),
    ],
)
def test_joining_is_refused(wwmaa: Client, session: str, user: str, status: int) -> None:
    """W3: 404 for an unknown session, 403 for a banned user or a session that is over."""
    response = wwmaa.post(f"/api/rtc/sessions/{session}/join", json={"user_id": user})
    assert response.status_code == status
    assert isinstance(response.json()["error"], str)


def test_a_session_has_as_many_as_it_holds(wwmaa: Client) -> None:
    """W3: 403 when it is full; a place that was left is free again."""
    path = "/api/rtc/sessions/test_session_small"
    users = [f"small_{uuid.uuid4().hex}" for _ in range(6)]
    statuses = [wwmaa.post(f"{path}/join", json={"user_id": user}).status_code for user in users]
    assert statuses == [200] * 5 + [403]
    wwmaa.post(f"{path}/leave", json={"user_id": users[0]})
    assert wwmaa.post(f"{path}/join", json={"user_id": users[5]}).status_code == 200
    listed = wwmaa.get(f"{path}/participants").json()["participants"]
    assert [one["user_id"] for one in listed] == users[1:]
    assert wwmaa.get(path).json()["participants"] == 5
    for user in users:
        wwmaa.post(f"{path}/leave", json={"user_id": user})


def test_a_token_opens_its_own_session_only(wwmaa: Client) -> None:
    """W4, W5: 401 without or with a wrong token, 403 with another session's."""
    token = wwmaa.post(f"{SESSION}/join", json={"user_id": uuid.uuid4().hex}).json()["access_token"]
    for headers, session, status in (
        ({}, "test_session_001", 401),
        (bearer("wrong"), "test_session_001", 401),
        (bearer(token), "test_session_small", 403),
        (bearer(token), "none", 404),
    ):
        for method, path in (("GET", "video-health"), ("POST", "video-token")):
            body = {"json": {}} if method == "POST" else {}
            url = f"/api/rtc/sessions/{session}/{path}"
            assert wwmaa.request(method, url, headers=headers, **body).status_code == status
