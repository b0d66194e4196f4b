"""AIaaS, WebSocket test: a customer connects, asks, is answered, asks again, and stays for 30 seconds.

    swell run suites/aiaas/websocket.py --profile smoke

Where document and script differ: the script sleeps before it reads, so that it never sees an answer, and
counts each connection as one success and one failure; here answers are read as they come. Latency is from a
message to its own answer, not from the connection's start. The document ramps over 21 minutes, the script
over 23.
"""

import json
import time
from functools import partial
from typing import Any

from suites.aiaas.api import QUESTIONS, WS_URL, Customer, Tenants
from suites.common import number, settle
from swell import Counter, Rate, Socket, check, invariant, ledger, random, scenario, ws

STAY_S = number("STAY_S", 30)

options = {
    "thresholds": {
        "ws_connection_success_rate": ["rate>0.95"],
        "ws_message_success_rate": ["rate>0.90"],
        "ws_connecting": ["p(95)<1000"],
        "ws_message_latency": ["p(95)<500"],
        "ws_errors": ["count<100"],
        "ws_session_dropped": ["rate<0.05"],
    },
}


def in_reply_to(message: str | bytes) -> Any:
    """The time stamp of the question that an answer is to; None for other messages."""
    said = json.loads(message)
    return said["metadata"]["in_reply_to"] if said["type"] == "agent_response" else None


tenants = Tenants(6)
latency = ws.Latency("ws_message_latency", "ws_message_success_rate", id=in_reply_to)
connected = Rate("ws_connection_success_rate")
errors = Counter("ws_errors")
asked = ledger("questions")
answered = ledger("answers")


def setup() -> int:
    """See that the tenants are there; what they have been charged for before."""
    tenants.require()
    return tenants.messages_charged()


@scenario(
    executor="ramping-vus",
    start_vus=0,
    stages=[("2m", 10), ("5m", 10), ("2m", 50), ("5m", 50), ("2m", 100), ("5m", 100)],
)
def chat() -> None:
    """One conversation: two questions, and silence until the time is over."""
    customer = tenants.customer()
    with ws.connect(f"{WS_URL}/ws/chat", params=customer.query, name="/ws/chat", timeout="10s") as socket:
        connected.add(check(socket, {"WebSocket connection established": lambda s: s.is_open}))
        errors.add(not socket.is_open)
        if not socket.is_open:
            return
        socket.on("message", partial(hear, customer))
        socket.on("error", lambda _: errors.add(1))
        ask(socket, customer)
        socket.listen(1)
        ask(socket, customer)
        socket.listen(STAY_S)


def ask(socket: Socket, customer: Customer) -> None:
    """Ask, and wait for the answer."""
    now = time.time_ns() // 1_000_000
    message = {"type": "user_message", "content": random.choice(QUESTIONS), "timestamp": now}
    key = f"{customer.session}/{now}"
    # As long as nobody has waited for the answer, nobody knows whether the question has arrived.
    asked.unknown(key)
    latency.send(socket, json.dumps({**message, "metadata": customer.query}), id=now)
    latency.wait(socket, timeout="5s")
    asked.acknowledged(key)


def hear(customer: Customer, message: str) -> None:
    """Check what the server says, and note which question it answers."""
    said = json.loads(message)
    fields = ("type", "content", "timestamp")
    check(said, {f"message has {field}": lambda s, field=field: field in s for field in fields})
    if said["type"] == "error":
        errors.add(1)
    question = in_reply_to(message)
    if question is not None:
        answered.acknowledged(f"{customer.session}/{question}")


@invariant("every question is answered once", within=settle())
def answered_once() -> None:
    """No answer is missing, and none comes twice."""
    asked.compare(answered.keys())


@invariant("every question is charged once", within=settle())
def charged_once(before: int) -> None:
    """What the tenants are charged grew by what their customers asked."""
    asked.count("messages charged in this run", tenants.messages_charged() - before)
