"""The target of the benchmarks: Debian's nginx, pinned to its own cores, on http and https."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

# The answer that every generator parses: 66 bytes.
BODY = '{"id":1,"name":"an item of the catalogue","price":42,"items":[1]}\n'
HTTP_PORT = 9391
HTTPS_PORT = 9392
# What ``/large`` answers with.
LARGE_BYTES = 5_000_000
# Of the WebSocket server behind nginx, which takes TLS off.
WS_PORT = 9393

CONFIGURATION = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 16000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/json;
    server {{
        listen 127.0.0.1:{http} backlog=16000;
        listen 127.0.0.2:{http} backlog=16000;
        location / {{ return 200 '{body}'; }}
        location = /large {{ alias {folder}/large; default_type text/plain; }}
    }}
    server {{
        listen 127.0.0.1:{https} ssl backlog=16000;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_session_cache shared:SSL:10m;
        location / {{ return 200 '{body}'; }}
        location /echo {{
            proxy_pass http://127.0.0.1:{ws};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "Upgrade";
            proxy_read_timeout 600s;
        }}
    }}
}}
"""


class Nginx:
    """A running nginx; use as a context manager."""

    def __init__(self, cores: set[int]) -> None:
        if shutil.which("nginx") is None:
            raise SystemExit("the benchmarks need nginx: apt-get install nginx-light")
        self._cores = cores
        self._folder = Path(tempfile.mkdtemp(prefix="swell-bench-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.http_url = f"http://127.0.0.1:{HTTP_PORT}/api/items"
        self.large_url = f"http://127.0.0.1:{HTTP_PORT}/large"
        self.https_url = f"https://127.0.0.1:{HTTPS_PORT}/api/items"
        self.wss_url = f"wss://127.0.0.1:{HTTPS_PORT}"

    def __enter__(self) -> Self:
        folder = self._folder
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *("-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            ],
            check=True,
            capture_output=True,
        )
        body = BODY.replace("\n", "\\n")
        text = CONFIGURATION.format(folder=folder, http=HTTP_PORT, https=HTTPS_PORT, ws=WS_PORT, body=body)
        (folder / "nginx.conf").write_text(text)
        (folder / "large").write_bytes(b"x" * LARGE_BYTES)
        folder.chmod(0o755)  # nginx's worker is another user where it is started by root
        command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        os.sched_setaffinity(self._process.pid, self._cores)
        deadline = time.monotonic() + 10
        while True:
            try:
                if urlopen(self.http_url, timeout=1).read() == BODY.encode():
                    break
            except URLError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    log = (folder / "error.log").read_text()
                    raise SystemExit(f"nginx did not start: {log[-500:]}") from None
                time.sleep(0.05)
        # The worker process was forked before or after the pinning: pin it too.
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            os.sched_setaffinity(int(child), self._cores)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def certificate(self) -> Path:
        """The self-signed certificate, to be trusted by the generators."""
        return self._folder / "cert.pem"
