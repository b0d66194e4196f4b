"""The mock language model: the same text and vectors for the same input and seed, in plausible shape."""

import hashlib
import math
from collections.abc import Iterator
from functools import lru_cache

DIMENSIONS = 1536
# Positions that a word touches in a vector: texts that share words have near vectors.
POSITIONS = 24
TOKENS_PER_WORD = 4 / 3
MIN_WORDS, SPREAD_WORDS = 24, 60
OPENERS = ("Let us look at", "A good way to understand", "In short,", "Here is an explanation of")
VOCABULARY = (
    "the learner builds each idea on what is known already and tests it with a small example because "
    "practice shows where understanding ends so we begin with a simple case change one thing at a time "
    "observe what follows write down the rule in own words compare it with the definition find where it "
    "fails and explain why then use it on a new problem check every step estimate before computing draw a "
    "picture name the quantities choose units and finally summarise what was learned in one sentence that "
    "a friend could understand without the book "
)
WORDS = VOCABULARY.split()


def count_tokens(text: str) -> int:
    """About as many as the usual tokenizers make."""
    return max(1, math.ceil(len(text.split()) * TOKENS_PER_WORD))


def words_for(seed: int, model: str, prompt: str) -> Iterator[str]:
    """The answer's words, as many as the model has to say."""
    digest = hashlib.sha256(f"{seed}:{model}:{prompt}".encode()).digest()
    count = MIN_WORDS + digest[0] % SPREAD_WORDS
    yield from OPENERS[digest[1] % len(OPENERS)].split()
    yield from (" ".join(prompt.split()[-6:]) or "it").split()
    state = int.from_bytes(digest[2:10], "big")
    for _ in range(count):
        # A linear congruential step (Knuth's MMIX): repeatable everywhere, and quick.
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        yield WORDS[(state >> 33) % len(WORDS)]


@lru_cache(maxsize=2_000)
def answer(seed: int, model: str, prompt: str, max_tokens: int) -> tuple[str, str]:
    """The text, and why it ended: ``stop``, or ``length`` when ``max_tokens`` cut it."""
    limit = max(1, int(max_tokens / TOKENS_PER_WORD))
    words = list(words_for(seed, model, prompt))
    cut = len(words) > limit
    text = " ".join(words[:limit])
    return (text if cut else f"{text}."), ("length" if cut else "stop")


@lru_cache(maxsize=2_000)
def embed(seed: int, text: str) -> list[float]:
    """A unit vector of 1,536 numbers; callers must not change it."""
    vector = [0.0] * DIMENSIONS
    for word in text.lower().split() or [""]:
        digest = hashlib.blake2b(f"{seed}:{word}".encode(), digest_size=POSITIONS * 2).digest()
        for position in range(0, len(digest), 2):
            number = digest[position] << 8 | digest[position + 1]
            vector[number % DIMENSIONS] += 1.0 if number >> 15 else -1.0
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [round(value / length, 7) for value in vector]
