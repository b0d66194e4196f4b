"""One large answer an iteration, read as text or as bytes."""

from swell import check, env, http


def default() -> None:
    """Ask, and look at the end."""
    response = http.get(env.TARGET)
    if env.get("BODY", "text") == "text":
        check(response, {"the last byte is there": lambda r: r.text[-1] == "x"})
    else:
        check(response, {"the last byte is there": lambda r: r.content[-1] == 120})
