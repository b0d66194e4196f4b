"""TypeScript to ECMAScript, as k6 does it: types are taken away, nothing is checked, and places stay.

``translate`` blanks types with spaces, so that line and column of the user's code are those of the original
file. What has a meaning at run time (enums, namespaces, parameter properties, ``import x = y``) is written in
place, on the lines where it stands. Import it only when a ``.ts`` file is met: it loads the grammar.
"""

from swell.scripts.k6.typescript.errors import TypeScriptError
from swell.scripts.k6.typescript.translation import translate

__all__ = ["TypeScriptError", "translate"]
