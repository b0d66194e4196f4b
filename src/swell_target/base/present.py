"""What ``swell target serve`` prints once all services listen."""

import json
import os
import sys


def announce(ports: dict[str, list[int]], host: str, admin_token: str, *, as_json: bool) -> None:
    """Print the URLs and the admin token: a line of JSON for programs, a table for people."""
    shown = f"[{host}]" if ":" in host else host
    urls = {name: f"http://{shown}:{numbers[0]}" for name, numbers in ports.items()}
    further = {name: numbers[1:] for name, numbers in ports.items() if numbers[1:]}
    if as_json:
        line = {
            "services": urls,
            "ports": {name: numbers[0] for name, numbers in ports.items()},
            "extra_ports": further,
            "admin_token": admin_token,
            "pid": os.getpid(),
        }
        text = json.dumps(line) + "\n"
    else:
        width = max(map(len, urls))
        rows = []
        for name, url in urls.items():
            also = f"  also on {', '.join(map(str, further[name]))}" if name in further else ""
            rows.append(f"  {name:<{width}}  {url}{also}\n")
        text = "".join([*rows, f"  admin token: {admin_token}\n", "  stop with Control-C\n"])
    sys.stdout.write(text)
    sys.stdout.flush()
