"""What tests of WWMAA share: members and their tokens."""

from typing import Any

from target_platform import Client

LOGIN = {"email": "loadtest_user_7@wwmaa.com", "password": "test_password_123"}


def log_in(client: Client, **login: str) -> dict[str, Any]:
    """A member's tokens."""
    response = client.post("/api/auth/login", json=LOGIN | login)
    assert response.status_code == 200, response.text
    return dict(response.json())


def bearer(token: str) -> dict[str, str]:
    """The header with a token."""
    return {"Authorization": f"Bearer {token}"}
