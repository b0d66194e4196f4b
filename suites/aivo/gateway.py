"""AIVO, test 1: prompts and embeddings through the AI gateway.

    swell run suites/aivo/gateway.py --profile smoke

Where document and script differ: the script runs smoke, load and stress at the same time, here a profile is
chosen; its load takes 16 minutes, the document's 10 to 15. A slow answer is no error: errors are one
objective, latency is another. The tenant must be charged for what it was answered, and for nothing else.
"""

from suites.aivo.api import BASE_URL, HEADERS, Endpoint, has, objectives, require_service, status_is
from suites.common import pause, settle
from swell import Rate, feeder, http, invariant, ledger, scenario, weighted

EMBEDDING_MODEL = "text-embedding-ada-002"
ENDPOINTS = {"generate": ("generate_duration", 300, 500), "embeddings": ("embeddings_duration", 200, 400)}

options = {"thresholds": objectives("errors", ENDPOINTS)}

errors = Rate("errors")
generation = Endpoint("generate", "generate_duration", errors)
embedding = Endpoint("embeddings", "embeddings_duration", errors)
answered = ledger("answered requests")
prompts = feeder.json("prompts.json")
texts = feeder.of(
    [
        "Photosynthesis turns light into chemical energy.",
        "The French Revolution began in 1789.",
        "A derivative measures how a function changes.",
        "Newton's second law relates force, mass and acceleration.",
        "Shakespeare wrote tragedies, comedies and histories.",
    ]
)


def setup() -> int:
    """See that the gateway is up; what the tenant has been charged before."""
    require_service()
    return charged_requests()


def generate() -> None:
    """Have a model answer a prompt."""
    prompt = prompts.next()
    tags = {"model": prompt["model"]}
    answer = answered.write(None, lambda: generation.send("POST", "/v1/chat/completions", tags, json=prompt))
    generation.judge(answer, {"status is 200": status_is(200), "has content": has("choices")})


def embed() -> None:
    """Have a text turned into a vector."""
    body = {"model": EMBEDDING_MODEL, "input": texts.next()}
    tags = {"model": EMBEDDING_MODEL}
    answer = answered.write(None, lambda: embedding.send("POST", "/v1/embeddings", tags, json=body))
    embedding.judge(answer, {"status is 200": status_is(200), "has data": has("data")})


mix = weighted({generate: 70, embed: 30})


@scenario(
    executor="ramping-vus",
    start_vus=0,
    stages=[("2m", 20), ("4m", 50), ("2m", 100), ("5m", 100), ("2m", 0)],
)
def gateway() -> None:
    """One request to a model, and a moment to think."""
    mix()
    pause(0.5, 2.5)


@invariant("every answer is charged once", within=settle())
def charged_once(before: int) -> None:
    """What the tenant is charged grew by what it was answered."""
    answered.count("requests charged in this run", charged_requests() - before)


def charged_requests() -> int:
    """How many requests the tenant has been charged for, ever."""
    usage = http.get(f"{BASE_URL}/api/v1/usage", headers=HEADERS, name="usage").json()["usage"]
    return sum(row["requests"] for row in usage)
