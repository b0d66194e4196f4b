"""The only place of monkey patching: called first of all in workers and in ``swell debug``, nowhere else."""


def patch() -> None:
    """Make blocking calls of the standard library cooperative, in the whole process.

    Must run before anything that keeps references to what is patched is imported. A second call does nothing.
    """
    from gevent import monkey  # noqa: PLC0415 - importing this module must not load gevent

    monkey.patch_all()
