"""Aspire's declaration and who may call; routes and jobs hang themselves on it."""

from swell_target.base import tokens
from swell_target.base.call import Call
from swell_target.base.errors import Problem
from swell_target.base.service import HEALTH_PATHS, Auth, Service
from swell_target.services.aspire import seed
from swell_target.services.aspire.schema import SCHEMA, WRITES

TOKEN_KIND = "aspire"  # noqa: S105 - a kind of token, not one
TOKEN_SECONDS = 24 * 3600
# The scripts' default for AUTH_TOKEN: one learner that all their virtual users share.
MOCK_TOKEN = "mock-token"  # noqa: S105 - published in the contract

SERVICE = Service(
    name="aspire",
    title="Aspire AI: online courses",
    port=3000,
    schema=SCHEMA,
    seed=seed.fill,
    clean=seed.clean,
    writes=WRITES,
    health_paths=(*HEALTH_PATHS, "/api/health"),
)


def check_token(call: Call) -> str:
    """The account's id by a bearer token; it is looked up where the request writes."""
    token = call.bearer or ""
    if token == MOCK_TOKEN:
        return seed.MOCK_LEARNER
    claims = tokens.read(call.runtime.settings.secret, token, TOKEN_KIND)
    if claims is None:
        raise Problem(401, "the bearer token is missing, wrong or expired")
    return str(claims["sub"])


LEARNER = Auth("bearer", check_token)
