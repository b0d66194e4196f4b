"""Many open WebSockets, each sent one numbered message a second: each one is there, or counted."""

import json

from swell import Counter, Trend, context, env, sleep, ws

options = {
    "scenarios": {
        "listeners": {
            "executor": "per-vu-iterations",
            "vus": int(env.get("VUS", "100")),
            "iterations": 1,
            "maxDuration": "10m",
        }
    }
}

missed = Counter("ticks_missed")
age = Trend("tick_age", True)
RAMP_S = float(env.get("RAMP", "10"))
LISTEN_S = float(env.get("LISTEN", "30"))


def default() -> None:
    """Connect in one's turn, listen, and compare each number with the one before."""
    sleep(RAMP_S * (context.vu.id % 1000) / 1000)
    with ws.connect(f"{env.TARGET}/ticks") as socket:
        last = 0
        for message in socket.messages(seconds=LISTEN_S):
            tick = json.loads(message)
            if last and tick["number"] != last + 1:
                missed.add(abs(tick["number"] - last - 1))
            last = tick["number"]
            age.add((socket.received_ns - tick["sent_ns"]) / 1e6)
