"""``Trial``: a k6 context with builtin modules, for tests of them: no run, no worker, no script file."""

import json
from collections.abc import Mapping
from typing import Any

from swell.scripts.k6.files import ScriptFiles
from swell.scripts.k6.vuhost import Phase, Shared, VUHost

MAIN = "file:///trial.js"


class TrialError(Exception):
    """What a snippet threw: ``text`` as k6 would log it, ``stack`` its own lines."""

    def __init__(self, text: str, stack: str) -> None:
        super().__init__(text)
        self.text = text
        self.stack = stack


class Trial:
    """Runs snippets against builtin modules.

    ::

        trial = Trial('import crypto from "k6/crypto"; export default () => crypto.md5("a", "hex")')
        assert trial.run() == "0cc175b9c0f1b6a831c399e269772661"

    The source is the script's top level, run in the init context. ``run`` calls its default export in
    ``phase`` with the event loop and gives the JSON value of what it returns (an ArrayBuffer or typed array
    as a list of numbers).
    """

    def __init__(
        self,
        source: str,
        *,
        files: Mapping[str, str] | None = None,
        env: dict[str, str] | None = None,
        shared: Shared | None = None,
    ) -> None:
        """Load the snippet; raises ``TrialError`` for what it throws.

        With the ``shared`` of another trial of the same source it is one more VU of the same worker.
        """
        sources = {f"file:///{name}": text for name, text in (files or {}).items()}
        self.logged: list[tuple[str, str, dict[str, str]]] = []
        wrapped = f"{source}\n;globalThis['trial text'] = (v) => JSON.stringify(v(), (k, x) =>"
        wrapped += " x instanceof ArrayBuffer ? [...new Uint8Array(x)] : ArrayBuffer.isView(x) ? [...x] : x);"
        contents = {name: text.encode("utf-8", "surrogatepass") for name, text in sources.items()}
        files_of = ScriptFiles(MAIN, {**contents, MAIN: wrapped.encode("utf-8", "surrogatepass")})
        self.shared = shared or Shared(files_of, self._log, env or {})
        while True:
            self.vu = VUHost(self.shared)
            self._finish(self.vu.context.run(self.vu.context.core["load"], "swell:lib/globals"))
            try:
                self._finish(self.vu.context.run(self.vu.context.core["load"], MAIN))
            except TrialError as error:
                if not self.shared.modules.admit(error.text):
                    raise
            else:
                break

    def run(self, name: str = "default", *, phase: Phase = "iteration") -> Any:
        """Call an exported function; its value. Raises ``TrialError`` for what it throws."""
        self.vu.phase = phase
        context = self.vu.context
        self._finish(context.run(context.core["call"], name))
        self.vu.loop.clear()
        text = context.run(context.evaluate("globalThis['trial text']"), context.core["value"])
        return None if text is None else json.loads(text)

    def _finish(self, state: int | None) -> None:
        context = self.vu.context
        if self.vu.loop.run_until_idle(state or 0) == 2:  # noqa: PLR2004  # failed, as in core.js
            told = json.loads(context.run(context.core["describe"]))
            raise TrialError(told["text"], told["stack"])

    def _log(self, level: str, message: str, **fields: str) -> None:
        self.logged.append((level, message, fields))
