"""WWMAA, test 2: fifty members in one live session, with chat and video.

    swell run suites/wwmaa/live.py

Each joins, gets a video token, chats (5 messages a minute), has the video's health checked (at every tenth
message), and leaves. Where document and script differ: the script never reads its socket, so that its
latency and delivery have no samples; here each message is awaited by its sender, and must have reached
everybody who was there. Each participant takes part once, for the document's ten minutes, and they join
within a minute; the script's second rounds are cut off.
"""

import json
from datetime import UTC, datetime

from suites.common import critical, new_id, number, settle
from suites.wwmaa.api import API_URL, DROP_RATE, WS_URL, bearer, require_seeded, require_site
from swell import (
    Counter,
    Rate,
    Socket,
    Trend,
    check,
    env,
    expect,
    group,
    http,
    invariant,
    ledger,
    random,
    scenario,
    sleep,
    ws,
)

SESSION = env.get("TEST_SESSION_ID", "test_session_001")
SESSION_URL = f"{API_URL}/rtc/sessions/{SESSION}"
MESSAGES = int(number("MESSAGES", 50))
MESSAGE_EVERY_S = number("MESSAGE_EVERY_S", 12)
JOIN_WITHIN_S = number("JOIN_WITHIN_S", 60)
PHRASES = ["Great technique!", "Could you repeat that?", "My stance feels off", "Osu!", "Thank you, sensei"]

options = {
    "thresholds": {
        "ws_connection_success": ["rate>0.99", critical("rate>0.95")],
        "ws_session_dropped": DROP_RATE,
        "chat_message_delivered": ["rate>0.99", critical("rate>0.95")],
        "chat_message_latency": ["p(95)<500", "p(99)<1000"],
        "chat_errors": ["count==0"],
        "session_join_latency": ["p(95)<2000", "p(99)<3000"],
        "video_health_check_success": ["rate>0.95"],
        "http_req_duration{endpoint:join_session}": ["p(95)<2000"],
        "http_req_duration{endpoint:video_token}": ["p(95)<1000"],
        "http_req_failed": ["rate<0.01"],
    },
}


def message_id(text: str | bytes) -> str | None:
    """The id of a chat message, which its sender put at the end of what it says."""
    message = json.loads(text)
    return id_in(message) if message["type"] == "chat" else None


def id_in(message: dict[str, str]) -> str:
    """The id of a chat message."""
    return message["content"].rpartition(" #")[2]


latency = ws.Latency("chat_message_latency", "chat_message_delivered", id=message_id)
join_latency = Trend("session_join_latency", is_time=True)
connected = Rate("ws_connection_success")
video_healthy = Rate("video_health_check_success")
chat_errors = Counter("chat_errors")
# "<when> <message>", "<message> by <who>", "<who> <from> <to>"; times are the server's, in milliseconds.
said = ledger("messages said")
heard = ledger("messages heard")
stays = ledger("stays")


def setup() -> None:
    """See that the site is up and has the session."""
    require_site()
    require_seeded(f"session {SESSION}", f"/rtc/sessions/{SESSION}", "TEST_SESSION_ID")


class Participant:
    """One member's part in the session."""

    def __init__(self) -> None:
        self.user = new_id("user_")
        self.times: list[int] = []

    @group("Session Join Flow")
    def join(self) -> tuple[str, str]:
        """Take a place and get the video's token; the tokens for the API and for the chat, or empty ones."""
        place = {"user_id": self.user, "participant_name": f"Member {self.user[-6:]}"}
        labels = {"endpoint": "join_session"}
        joined = http.post(f"{SESSION_URL}/join", json=place, name="join", tags=labels)
        join_latency.add(joined.timings.duration)
        if not check(joined, {"session join status 200": lambda r: r.status_code == 200}):
            return "", ""
        access, chat = joined.json()["access_token"], joined.json()["ws_token"]
        video = http.post(
            f"{SESSION_URL}/video-token",
            json={"access_token": access},
            headers=bearer(access),
            name="video token",
            tags={"endpoint": "video_token"},
        )
        check(video, {"received video token": lambda r: r.ok and bool(r.json()["video_token"])})
        return access, chat

    def talk(self, access: str, chat: str) -> None:
        """Stay in the chat, and see now and then that the video is healthy."""
        url = f"{WS_URL}/sessions/{SESSION}"
        who = {"token": chat}
        with ws.connect(url, params=who, headers=bearer(chat), name="/ws/sessions/{id}") as socket:
            connected.add(check(socket, {"websocket connected": lambda s: s.is_open}))
            if not socket.is_open:
                return
            chat_errors.add(0)
            socket.on("message", self.hear)
            for number in range(MESSAGES):
                self.say(socket)
                if number % 5 == 4:
                    socket.send('{"type": "ping"}')
                if number % 10 == 0:
                    self.check_video(access)
                socket.listen(MESSAGE_EVERY_S)
            latency.wait(socket, timeout="5s")
            # What others said before is still on its way.
            socket.listen(1)
            if self.times:
                stays.acknowledged(f"{self.user} {self.times[0]} {self.times[-1]}")
            socket.send('{"type": "leave"}')

    def say(self, socket: Socket) -> None:
        """Say something to everybody."""
        number = new_id("")
        content = f"{random.choice(PHRASES)} #{number}"
        message = {"type": "chat", "user_id": self.user, "content": content}
        latency.send(socket, json.dumps({**message, "sent_at": datetime.now(UTC).isoformat()}), id=number)

    def hear(self, text: str) -> None:
        """Note what arrives."""
        message = json.loads(text)
        match message["type"]:
            case "welcome":
                check(message, {"welcome names the session": lambda m: m["session_id"] == SESSION})
            case "error":
                chat_errors.add(1)
            case "chat":
                number = id_in(message)
                heard.acknowledged(f"{number} by {self.user}")
                if message["user_id"] == self.user:
                    at = int(datetime.fromisoformat(message["server_time"]).timestamp() * 1000)
                    said.acknowledged(f"{at} {number}")
                    self.times.append(at)

    def check_video(self, access: str) -> None:
        """Ask how the own video does."""
        health = http.get(f"{SESSION_URL}/video-health", headers=bearer(access), name="video health")
        well = {"video healthy": lambda r: r.ok and r.json()["status"] in ("connected", "healthy")}
        video_healthy.add(check(health, well))

    @group("Session Leave Flow")
    def leave(self) -> None:
        """Give the place back; who has left by the chat may say it again."""
        http.post(f"{SESSION_URL}/leave", json={"user_id": self.user}, name="leave")


@scenario(executor="per-vu-iterations", vus=50, iterations=1, max_duration="15m")
def live() -> None:
    """One participant, from joining to leaving."""
    sleep(0, JOIN_WITHIN_S)
    participant = Participant()
    access, chat = participant.join()
    if access:
        participant.talk(access, chat)
        participant.leave()


@invariant("every message reached every participant, once", within=settle())
def everybody_heard() -> None:
    """Who spoke before and after a message was there when it was said, and must have heard it."""
    received = {entry.key: entry.times for entry in heard.entries()}
    present = [(user, int(since), int(until)) for user, since, until in map(str.split, stays.keys())]
    missing = (
        f"{message} by {user}"
        for at, message in map(str.split, said.keys())
        for user, since, until in present
        if since < int(at) < until and f"{message} by {user}" not in received
    )
    expect.none("messages that did not reach somebody", missing)
    expect.none("messages that reached somebody twice", (key for key, times in received.items() if times > 1))
