"""A chat over WebSockets: who connects, how long messages take to come back, and how many do.

    swell run -e CHAT_URL=ws://127.0.0.1:8080 examples/chat.py

The server sends what one says to everybody in the room, the speaker included, as many chats do.
"""

from swell import check, context, env, random, sleep, ws

options = {
    "vus": 5,
    "duration": "10s",
    "thresholds": {
        "ws_connect_failed": ["rate<0.01"],
        "ws_session_dropped": ["rate<0.01"],
        "chat_message_latency": ["p(95)<500"],
        "chat_messages_delivered": ["rate>0.99"],
    },
}

CHAT_URL = env.get("CHAT_URL", "ws://127.0.0.1:8080")
PHRASES = ["hello", "can somebody help me?", "thank you!", "see you tomorrow"]
MESSAGES = int(env.get("MESSAGES", "3"))

# Each message carries an id, by which the broadcast that brings it back is known.
latency = ws.Latency("chat_message_latency", "chat_messages_delivered", id="metadata.id")


def default():
    """Join, say a few things, listen, and wait for the last of them to come back."""
    with ws.connect(f"{CHAT_URL}/chat/lobby", name="/chat/{room}", timeout="5s") as socket:
        check(socket, {"connected": lambda s: s.is_open})
        socket.on("message", lambda text: check(text, {"has a type": lambda t: '"type"' in t}))
        for _ in range(MESSAGES):
            said = {"type": "chat", "user": context.vu.id, "content": random.choice(PHRASES)}
            latency.send(socket, said)
            socket.listen(0.2)
        latency.wait(socket, timeout="2s")
    sleep(0.1)
