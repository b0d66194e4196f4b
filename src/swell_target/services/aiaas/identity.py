"""Who calls: a tenant by header, body or token; the main scripts send no token at all."""

import re
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from swell_target.base import tokens
from swell_target.base.call import Call
from swell_target.base.clock import now_ms
from swell_target.base.database import Database
from swell_target.base.errors import Problem
from swell_target.base.service import Failure
from swell_target.base.sql import insert_once
from swell_target.base.standard import ADMIN
from swell_target.services.aiaas.models import AuthState, LoginBody, Session, Tenant, TenantBody
from swell_target.services.aiaas.schema import ID_LENGTH, PLANS, TENANTS
from swell_target.services.aiaas.seed import DEFAULT_TENANT, TEST_PLAN
from swell_target.services.aiaas.service import SERVICE

TOKEN_KIND = "aiaas"  # noqa: S105 - a kind of token, not one
TOKEN_SECONDS = 24 * 3600
PASSWORD = "test_password"  # noqa: S105 - published in the contract
ACCOUNT_PREFIX, ACCOUNT_SUFFIX = "test_", "@example.com"
ANONYMOUS = "anonymous"
# Names that say that they are a test's: no document lists those of the further scripts.
TEST_TENANT = re.compile(r"(tenant|test|load|perf|smoke|demo|stress|spike|soak|locust|k6)[A-Za-z0-9_-]{0,56}")


# --- From a request ---------------------------------------------------------------------------------------


def claims_of(call: Call) -> dict[str, Any] | None:
    """The claims of the bearer token: None without one, Problem 401 for a wrong one."""
    if call.bearer is None:
        return None
    claims = tokens.read(call.runtime.settings.secret, call.bearer, TOKEN_KIND)
    if claims is None:
        raise Problem(401, "the bearer token is wrong or expired", authenticated=False)
    return claims


def named_tenant(call: Call, in_body: str | None = None) -> str | None:
    """The tenant that header, token and body name; Problem 403 when they name different ones."""
    claims = claims_of(call)
    header = call.headers.get("x-tenant-id") or None
    names = [name for name in (header, claims and claims["tenant"], in_body) if name]
    if len(set(names)) > 1:
        raise Problem(403, "header, token and body name different tenants")
    return names[0] if names else None


def require_tenant(call: Call) -> str:
    """The tenant; Problem 401 when none is named."""
    tenant_id = named_tenant(call)
    if tenant_id is None:
        raise Problem(401, "no tenant: send X-Tenant-ID or a bearer token")
    return tenant_id


def tenant_or_default(call: Call, in_body: str | None = None) -> str:
    """The tenant, or the first one where scripts name none."""
    return named_tenant(call, in_body) or DEFAULT_TENANT


def user_of(call: Call, in_body: str | None = None) -> str:
    """The user that body, header or token names."""
    claims = claims_of(call)
    user_id = in_body or call.headers.get("x-user-id") or (claims and str(claims["sub"])) or ANONYMOUS
    if len(user_id) > ID_LENGTH:
        raise Problem(422, f"a user's id has at most {ID_LENGTH} characters")
    return user_id


# --- Transactions -----------------------------------------------------------------------------------------

TENANT_BY_ID = (
    select(
        TENANTS.c.id,
        TENANTS.c.state,
        TENANTS.c.plan_id,
        PLANS.c.price_cents,
        PLANS.c.quota,
        PLANS.c.included,
        PLANS.c.extra_cents,
        PLANS.c.per_minute,
    )
    .join(PLANS, PLANS.c.id == TENANTS.c.plan_id)
    .where(TENANTS.c.id == bindparam("id"))
)


def find_tenant(tx: Connection, tenant_id: str, *, suspended: bool = False) -> Any:
    """The tenant with its plan (a row); Problem 404, or 402 when it is suspended and that matters."""
    row = tx.execute(TENANT_BY_ID, {"id": tenant_id}).first()
    if row is None:
        raise Problem(404, "no such tenant")
    if row.state == "suspended" and not suspended:
        raise Problem(402, "the tenant is suspended: an invoice is not paid")
    return row


def change_plan(tx: Connection, tenant_id: str, plan_id: str) -> Any:
    """Put a tenant on another plan; Problem 404 for an unknown one."""
    if tx.execute(select(PLANS.c.id).where(PLANS.c.id == plan_id)).first() is None:
        raise Problem(404, "no such plan")
    tx.execute(update(TENANTS).where(TENANTS.c.id == tenant_id).values(plan_id=plan_id))
    return find_tenant(tx, tenant_id, suspended=True)


def add_tenant(tx: Connection, tenant_id: str, plan_id: str) -> None:
    """Make a tenant, unless it is there."""
    values = {"id": tenant_id, "name": tenant_id, "plan_id": plan_id, "state": "active", "created": now_ms()}
    insert_once(tx, TENANTS, values)


def put_tenant(tx: Connection, body: TenantBody) -> Any:
    """Make a tenant, or put it on that plan; Problem 404 for an unknown one."""
    if tx.execute(select(PLANS.c.id).where(PLANS.c.id == body.plan)).first() is None:
        raise Problem(404, "no such plan")
    add_tenant(tx, body.id, body.plan)
    return change_plan(tx, body.id, body.plan)


async def admit(db: Database, tenant_id: str, *, suspended: bool = False) -> None:
    """Make a tenant whose name says that it is a test's at its first use; Problems as ``find_tenant``."""
    try:
        await db.read(find_tenant, tenant_id, suspended=suspended)
    except Problem as problem:
        if problem.status != 404 or TEST_TENANT.fullmatch(tenant_id) is None:  # noqa: PLR2004 - nobody there
            raise
        await db.write(add_tenant, tenant_id, TEST_PLAN)


# --- Endpoints --------------------------------------------------------------------------------------------


@SERVICE.post("/auth/login", name="login", answers={200: Session, 401: Failure})
async def login(call: Call, body: LoginBody) -> Session:
    """A token for a tenant's user; an account by e-mail needs its password."""
    tenant_id, user_id = body.tenant_id, body.user_id
    if body.email is not None:
        fits = body.email.startswith(ACCOUNT_PREFIX) and body.email.endswith(ACCOUNT_SUFFIX)
        if not fits or body.password != PASSWORD:
            raise Problem(401, "wrong e-mail address or password")
        tenant_id = body.email.removeprefix(ACCOUNT_PREFIX).removesuffix(ACCOUNT_SUFFIX)
        user_id = user_id or body.email
    if tenant_id is None:
        raise Problem(422, "tenant_id and user_id are missing, or email and password")
    try:
        await admit(call.db, tenant_id, suspended=True)
    except Problem as problem:
        if problem.status == 404:  # noqa: PLR2004 - nobody there
            raise Problem(401, "no such tenant") from None
        raise
    user_id = user_id or ANONYMOUS
    secret = call.runtime.settings.secret
    token = tokens.issue(secret, user_id, TOKEN_KIND, TOKEN_SECONDS, tenant=tenant_id)
    return Session(token, token, "bearer", tenant_id, user_id, TOKEN_SECONDS)


@SERVICE.get("/auth/status", name="auth_status", answers={200: AuthState, 401: Failure})
async def auth_status(call: Call) -> AuthState:
    """Whose token it is; without one 401."""
    claims = claims_of(call)
    if claims is None:
        raise Problem(401, "no bearer token", authenticated=False)
    return AuthState(authenticated=True, tenant_id=claims["tenant"], user_id=claims["sub"])


@SERVICE.post(
    "/admin/tenants", name="put_tenant", auth=ADMIN, answers={200: Tenant, 404: Failure}, hidden=True
)
async def set_tenant(call: Call, body: TenantBody) -> Tenant:
    """Make a tenant, or put it on another plan."""
    row = await call.db.write(put_tenant, body)
    return Tenant(row.id, row.plan_id, row.state)
