"""Every service answers as its own OpenAPI document says, to what fits it and to what does not."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from target_platform import ADMIN_TOKEN, Client, Platform

from swell_target.ports import PORTS

EXAMPLES = 3
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ADMIN = {"X-Admin-Token": ADMIN_TOKEN}


def log_in(client: Client, path: str, field: str, **login: str) -> str:
    """A token for what needs one."""
    response = client.post(path, json=login)
    assert response.status_code == 200, response.text
    return str(response.json()[field])


def cooly_headers(client: Client) -> dict[str, str]:
    """Operator and user at once."""
    token = log_in(client, "/api/auth/login", "token", email="test@example.com", password="testpassword123")
    return ADMIN | {"Cookie": f"token={token}"}


def wwmaa_headers(client: Client) -> dict[str, str]:
    """Operator and user at once."""
    login = {"email": "loadtest_user_1@wwmaa.com", "password": "test_password_123"}
    return ADMIN | {"Authorization": f"Bearer {log_in(client, '/api/auth/login', 'access_token', **login)}"}


HEADERS: dict[str, Any] = {
    "aspire": lambda _: ADMIN | {"Authorization": "Bearer mock-token"},
    "aivo": lambda _: ADMIN | {"Authorization": "Bearer test-api-key", "X-Tenant-ID": "test-tenant"},
    "cooly": cooly_headers,
    "aiaas": lambda _: ADMIN | {"X-Tenant-ID": "tenant_001", "X-User-ID": "user_1"},
    "wwmaa": wwmaa_headers,
}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("service", sorted(PORTS))
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_answers_are_as_described(target: Platform, service: str, mode: GenerationMode) -> None:
    """No answer is a server's error, and each has a status, a type and a shape that the document gives."""
    client = target[service]
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    headers = HEADERS[service](client)
    for result in schema.get_all_operations():
        operation = result.ok()
        # Any text may stand in a path: only a body or a query can be wrong.
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue
        strategy = operation.as_strategy(generation_mode=mode)

        @hypothesis.seed(1)
        @hypothesis.settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=strategy)
        def send(case: schemathesis.Case) -> None:
            response = case.call(base_url=client.url, headers=headers, session=client.session, timeout=90)
            client.session.cookies.clear()
            case.validate_response(response, checks=CHECKS)

        send()
    assert target.process.poll() is None
