"""What the operator chose, as the worker processes get it."""

import msgspec

DEFAULT_STRIPE_SECRET = "whsec_test_secret"  # noqa: S105 - the published test secret of the contract


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a running platform, the same in all its processes.

    ``db`` is a PostgreSQL URL, or empty: then SQLite files, one for each service, stand in ``data``.
    ``redis`` is a URL or empty. ``limits`` switches rate limits and quotas on; ``mock_latency_ms`` is how
    long the mock providers (images, language models, payments) take in the background; ``seed`` makes their
    answers repeatable.
    """

    data: str = ""
    db: str = ""
    redis: str = ""
    secret: str = ""
    stripe_secret: str = DEFAULT_STRIPE_SECRET
    admin_token: str = ""
    seed: int = 1
    limits: bool = False
    mock_latency_ms: int = 20
    pool_size: int = 10
    pool_timeout_ms: int = 30_000
    processes: int = 1
