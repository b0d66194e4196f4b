"""Echo round trips over one WebSocket per VU, one after the other: for the comparison with HTTP and k6."""

from swell import env, ws

# The one iteration of a VU ends with the run: there is nothing to be waited for.
options = {
    "insecure_skip_tls_verify": True,
    "scenarios": {
        "echo": {
            "executor": "constant-vus",
            "vus": int(env.get("VUS", "50")),
            "duration": env.get("DURATION", "10s"),
            "gracefulStop": "0s",
        }
    },
}

MESSAGE = '{"type":"user_message","content":"hello, is anybody there?","n":1}'


def default() -> None:
    """Send and receive until the time is over."""
    with ws.connect(f"{env.TARGET}/echo") as socket:
        while socket.send(MESSAGE) and socket.recv(timeout=5) is not None:
            pass
