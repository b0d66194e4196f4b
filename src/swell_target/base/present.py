"""What ``swell target serve`` prints once all services listen."""

import json
import os
import sys


def announce(ports: dict[str, int], host: str, admin_token: str, *, as_json: bool) -> None:
    """Print the URLs and the admin token: a line of JSON for programs, a table for people."""
    shown = f"[{host}]" if ":" in host else host
    urls = {name: f"http://{shown}:{port}" for name, port in ports.items()}
    if as_json:
        line = {"services": urls, "ports": ports, "admin_token": admin_token, "pid": os.getpid()}
        text = json.dumps(line) + "\n"
    else:
        width = max(map(len, urls))
        rows = [f"  {name:<{width}}  {url}\n" for name, url in urls.items()]
        text = "".join([*rows, f"  admin token: {admin_token}\n", "  stop with Control-C\n"])
    sys.stdout.write(text)
    sys.stdout.flush()
