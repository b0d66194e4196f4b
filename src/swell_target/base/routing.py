"""Finds the route of a path: fixed ones in a table, templates by their number of parts, then expression."""

import re
from urllib.parse import unquote

from swell_target.base.call import Reply
from swell_target.base.errors import Problem
from swell_target.base.service import PATH_PARAMETER, Route

Template = tuple[re.Pattern[str], dict[str, Route]]


async def _nothing(_call: object) -> Reply:
    """The answer to a preflight: its headers are all that matters."""
    return Reply(None, 204)


class _Table:
    """The routes by path, then by method."""

    def __init__(self, routes: list[Route]) -> None:
        self.fixed: dict[str, dict[str, Route]] = {}
        self._templates: dict[int, list[Template]] = {}
        by_pattern: dict[str, dict[str, Route]] = {}
        for route in routes:
            if not PATH_PARAMETER.search(route.path):
                self.fixed.setdefault(route.path, {})[route.method] = route
                continue
            shape = PATH_PARAMETER.sub("{}", route.path)
            if shape not in by_pattern:
                by_pattern[shape] = {}
                templates = self._templates.setdefault(route.path.count("/"), [])
                templates.append((route.pattern, by_pattern[shape]))
            for other in by_pattern[shape].values():
                if PATH_PARAMETER.findall(other.path) != PATH_PARAMETER.findall(route.path):
                    raise TypeError(f"{route.path} and {other.path} name their parameters differently")
            by_pattern[shape][route.method] = route

    def find(self, path: str) -> tuple[dict[str, Route], dict[str, str]] | None:
        """The routes of a path by method, and the values of its parameters."""
        methods = self.fixed.get(path)
        if methods is not None:
            return methods, {}
        for pattern, routes in self._templates.get(path.count("/"), ()):
            match = pattern.fullmatch(path)
            if match is not None:
                return routes, match.groupdict()
        return None


class Router:
    """All routes of a service."""

    def __init__(self, routes: list[Route], sockets: list[Route], *, preflight: bool) -> None:
        self._preflight = preflight
        self._http = _Table(routes)
        self._sockets = _Table(sockets)
        # What a guard sees, as it runs before any route is found; and what answers a preflight.
        self.any = Route("OPTIONS", "*", "any", _nothing, {200: None})

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route and its path's values; Problem 404, or 405 with the methods that there are."""
        found = self._http.find(path)
        # PostgreSQL's texts have no NUL: nothing there is named so.
        if found is None or "\0" in path:
            raise Problem(404, f"nothing at {path}")
        methods, values = found
        if method == "OPTIONS" and self._preflight and method not in methods:
            return self.any, {}
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = ", ".join(sorted(methods))
            raise Problem(
                405, f"{method} is not possible here, only {allowed}", headers=(("allow", allowed),)
            )
        return route, values

    def find_socket(self, path: str) -> tuple[Route, dict[str, str]]:
        """The WebSocket's route; Problem 404."""
        found = self._sockets.find(path)
        if found is None:
            raise Problem(404, f"no WebSocket at {unquote(path)}")
        methods, values = found
        return methods["WEBSOCKET"], values
