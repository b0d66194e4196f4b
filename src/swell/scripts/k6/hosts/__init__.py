"""The Python halves of builtin modules; ``swell.scripts.k6.builtins`` says how one is written."""
