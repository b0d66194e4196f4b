"""What the HTTP clients of one worker have in common."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from swell.base.clock import Clock
from swell.net.cookies import CookieJar
from swell.net.failure import Failure
from swell.net.limiter import GeventClock, TurnLimiter
from swell.net.local_ips import LocalIPs
from swell.net.prepared import MAX_SHOWN_URL, PreparedRequest, RequestFactory
from swell.net.proxy import NO_PROXIES, ProxyRules
from swell.net.resolver import Endpoint, Resolver
from swell.net.response import Response
from swell.net.tls import TlsContexts
from swell.net.transport import Connection
from swell.net.url import UrlCache

if TYPE_CHECKING:
    from swell.config.options import Options
    from swell.metrics.samples import ErrorTable, Recorder
    from swell.metrics.tags import TagRegistry

# Different warnings that a worker logs: enough to read.
MAX_LOGGED: Final = 100


class HTTPShared:
    """What all clients of one worker share: prepared requests, names, TLS, the recorder."""

    def __init__(
        self,
        options: "Options",
        registry: "TagRegistry",
        recorder: "Recorder",
        errors: "ErrorTable",
        log: Callable[[str, str], None],
        *,
        worker_index: int = 0,
        worker_count: int = 1,
        env: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """``env`` names the proxies; ``clock`` is what ``rps`` waits with."""
        self.options = options
        self.registry = registry
        self.recorder = recorder
        self.errors = errors
        self.log = log
        self.urls = UrlCache()
        self.factory = RequestFactory(
            registry,
            self.urls,
            user_agent=options.user_agent,
            system_tags=options.system_tags,
            max_redirects=options.max_redirects,
            discard=options.discard_response_bodies,
            keep_alive=not options.no_connection_reuse,
            proxies=ProxyRules(env) if env else NO_PROXIES,
        )
        self.resolver = Resolver(options)
        self.tls = TlsContexts(options)
        # Makes a connection to an address: the seam where tests put a scripted transport.
        self.connect: Callable[[Endpoint, str | None], Connection] = Connection
        self.local_ips = LocalIPs(options.local_ips)
        # Called with each response (redirects included) where something wants to see them: debugging.
        self.observers: list[Callable[[Response], None]] = []
        self.new_jar: Callable[[], CookieJar] = CookieJar
        # What scripts and tags are told of a failure, and whether its first occurrence is logged here:
        # scripts of another platform are told what that platform says, and log it themselves.
        self.retell: Callable[[Failure, PreparedRequest], Failure] | None = None
        self.logs_failures = True
        self.max_body = options.max_response_body_bytes
        self._logged: set[tuple[int, str, str]] = set()
        self.limiter: TurnLimiter | None = None
        if options.rps > 0:
            waiting = clock if clock is not None else GeventClock()
            self.limiter = TurnLimiter(
                options.rps, waiting, worker_index=worker_index, worker_count=worker_count
            )
        # One look tells the hot path that nothing holds its requests back.
        self.is_limited = self.limiter is not None or options.max_connections_per_host > 0
        if options.http_debug:
            self.observers.append(self._log_exchange)

    def _log_exchange(self, response: Response) -> None:
        """Write an exchange to the log: the option ``http_debug``."""
        from swell.net.describe import describe_exchange  # noqa: PLC0415  # for those who look on only

        with_bodies = self.options.http_debug == "full"
        self.log("info", describe_exchange(response, with_bodies=with_bodies))

    def warn_once(self, text: str) -> None:
        """Log a warning, each text once."""
        key = (0, "", text)
        if key not in self._logged and len(self._logged) < MAX_LOGGED:
            self._logged.add(key)
            self.log("warning", text)

    def count_failure(self, failure: Failure, method: str, name: str, url: str) -> None:
        """Count a failed exchange."""
        self.errors.note(failure.code, failure.message, method, name, url[:MAX_SHOWN_URL])

    def note_failure(self, failure: Failure, method: str, name: str, url: str) -> None:
        """Count a failed exchange, and log the first of its kind."""
        self.count_failure(failure, method, name, url)
        url = url[:MAX_SHOWN_URL]
        key = (failure.code, method, name)
        if self.logs_failures and key not in self._logged and len(self._logged) < MAX_LOGGED:
            self._logged.add(key)
            self.log("warning", f"Request Failed: {method} {url}: {failure.message} (code {failure.code})")
