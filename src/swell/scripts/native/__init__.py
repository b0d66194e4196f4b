"""Native Python scripts: the loader, and the functions that a script imports from ``swell``."""
