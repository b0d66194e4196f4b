"""The mock of the support agent's language model: the same text gets the same reply, by topic and seed."""

import hashlib
import re
from typing import NamedTuple

WORD = re.compile(r"[a-z]+")
CHARACTERS_PER_TOKEN = 4


class Topic(NamedTuple):
    """What a message may be about: the words that tell, and what is said then."""

    intent: str
    words: frozenset[str]
    replies: tuple[str, ...]
    escalates: bool = False


class AgentReply(NamedTuple):
    """A reply, and what it cost in tokens; ``confidence`` is between 0 and 1."""

    text: str
    intent: str
    confidence: float
    resolved: bool
    escalated: bool
    tokens_in: int
    tokens_out: int


TOPICS = (
    Topic(
        "human",
        frozenset({"human", "person", "agent", "representative", "manager", "complaint", "speak"}),
        (
            "I will connect you with a colleague. Your conversation goes with you, nothing is lost.",
            "A colleague takes over in a moment. Please stay in this chat.",
        ),
        escalates=True,
    ),
    Topic(
        "order",
        frozenset({"order", "orders", "track", "tracking", "package", "parcel", "status"}),
        (
            "I can look your order up. Please tell me its number; it is in your confirmation e-mail.",
            "Your order is on its way. You find its tracking link under My orders.",
        ),
    ),
    Topic(
        "shipping",
        frozenset({"shipping", "ship", "deliver", "delivery", "arrive", "international"}),
        (
            "Standard delivery takes three to five working days. Express takes one.",
            "We deliver to more than forty countries. The price is shown before you pay.",
        ),
    ),
    Topic(
        "refund",
        frozenset({"refund", "return", "returns", "money", "exchange", "cancel", "damaged", "broken"}),
        (
            "You can return an item within thirty days. The refund takes five working days.",
            "I have noted your return. Please use the label that we send you by e-mail.",
        ),
    ),
    Topic(
        "billing",
        frozenset({"billing", "invoice", "charge", "charged", "payment", "pay", "card", "price", "plan"}),
        (
            "Your invoices are under Account, Billing. A charge is explained line by line there.",
            "We accept cards and bank transfers. A failed payment is tried again after a day.",
        ),
    ),
    Topic(
        "account",
        frozenset({"account", "password", "login", "email", "username", "reset", "log", "sign"}),
        (
            "Use the link Forgot password on the login page. It is valid for an hour.",
            "You can change your details under Account, Profile. They are used at once.",
        ),
    ),
    Topic(
        "hours",
        frozenset({"hours", "open", "opening", "closed", "time", "weekend", "business"}),
        (
            "We are here from Monday to Friday, 9 to 18 o'clock. This chat answers at any time.",
            "Our opening hours are 9 to 18 o'clock on working days. On weekends this chat helps.",
        ),
    ),
    Topic(
        "technical",
        frozenset({"error", "bug", "crash", "problem", "issue", "working", "app", "website", "slow"}),
        (
            "Please try again in another browser. If it still happens, tell me what the page says.",
            "I have checked our systems, and all are up. Please restart the app once.",
        ),
    ),
)
OTHER = (
    "Thank you for your message. Could you tell me a little more?",
    "I am happy to help. What exactly would you like to know?",
)


def answer(seed: int, text: str, *, short: bool = False) -> AgentReply:
    """The agent's reply to ``text``; ``short`` gives its first sentence only."""
    words = set(WORD.findall(text.lower()))
    best = max(TOPICS, key=lambda topic: len(words & topic.words))
    hits = len(words & best.words)
    digest = hashlib.sha256(f"{seed}:{text}".encode()).digest()
    replies = best.replies if hits else OTHER
    reply = replies[digest[0] % len(replies)]
    if short:
        reply = reply.partition(". ")[0].rstrip(".") + "."
    escalated = bool(hits) and best.escalates
    return AgentReply(
        text=reply,
        intent=best.intent if hits else "other",
        confidence=round(min(0.99, 0.4 + 0.2 * hits + digest[1] / 2_560), 3),
        resolved=bool(hits) and not escalated,
        escalated=escalated,
        tokens_in=count_tokens(text),
        tokens_out=count_tokens(reply),
    )


def count_tokens(text: str) -> int:
    """About how many tokens a model would see."""
    return len(text) // CHARACTERS_PER_TOKEN + 1
