"""The proxies of deploy/ as processes: nginx and Caddy by the sample files, with other ports and a certificate."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.smtp_servers import certificate, free_port
from tests.waiting import wait_for

DEPLOY = Path(__file__).parents[1] / "deploy"
_HOST = "127.0.0.1"


class Proxy(NamedTuple):
    """A proxy that serves: its port for TLS, what a client must trust, and its port for plain http if there is one."""

    port: int
    trusts: ssl.SSLContext
    plain_port: int = 0


@contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Proxy]:
    """Run nginx before a server of this machine, with the two lines for its nginx.conf that the sample asks for."""
    port, plain_port, sample = free_port(), free_port(), (DEPLOY / "nginx.conf").read_text("utf-8")
    certificate(folder, host=_HOST)
    site = _replaced(
        sample,
        {
            "listen 443 ssl": f"listen {_HOST}:{port} ssl",
            "listen 80;": f"listen {_HOST}:{plain_port};",
            "server_name orders.your-shop.example": f"server_name {_HOST}",
            "/etc/letsencrypt/live/orders.your-shop.example/fullchain.pem": f"{folder}/server.pem",
            "/etc/letsencrypt/live/orders.your-shop.example/privkey.pem": f"{folder}/server.pem",
            "http://127.0.0.1:8000": f"http://{_HOST}:{upstream}",
        },
    )
    for_all, events = _asked_for(sample)
    places = "".join(f"{one}_temp_path {folder}/{one};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / "nginx.conf"
    config.write_text(
        f"worker_processes auto; {for_all} pid {folder}/pid; events {{ {events} }}\n"
        f"http {{ access_log off; {places}\n{site}\n}}",
        "utf-8",
    )
    command = ["nginx", "-p", str(folder), "-c", str(config), "-e", "stderr", "-g", "daemon off;"]
    with _running(command, folder, port) as proxy:
        yield proxy._replace(plain_port=plain_port)


@contextmanager
def caddy(folder: Path, upstream: int) -> Iterator[Proxy]:
    """Run Caddy before a server of this machine."""
    port = free_port()
    certificate(folder, host=_HOST)
    config, pem = folder / "Caddyfile", folder / "server.pem"
    of_tests = f"admin off\n\tauto_https disable_redirects\n\tskip_install_trust\n\tstorage file_system {folder}"
    config.write_text(
        _replaced(
            (DEPLOY / "Caddyfile").read_text("utf-8"),
            {
                "\n{\n": f"\n{{\n\t{of_tests}\n",
                "orders.your-shop.example {": f"https://{_HOST}:{port} {{\n\ttls {pem} {pem}",
                "reverse_proxy 127.0.0.1:8000": f"reverse_proxy {_HOST}:{upstream}",
                "\n:443 {": f"\n:{free_port()} {{",
            },
        ),
        "utf-8",
    )
    with _running(["caddy", "run", "--config", str(config)], folder, port) as proxy:
        yield proxy


def _asked_for(sample: str) -> tuple[str, str]:
    """Return the lines for nginx.conf that the sample's comment names: outside of all blocks, and in events."""
    named = [line.strip("# ") for line in sample.splitlines() if line.startswith("#   ")]
    events = [line for line in named if line.startswith("worker_connections")]
    return " ".join(line for line in named if line not in events), " ".join(events)


def _replaced(sample: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in sample, f"the sample has no {old!r} any more"
        sample = sample.replace(old, new)
    return sample


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[Proxy]:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} isn't installed")
    folder.chmod(0o711)  # nginx's own processes are another user's
    with (folder / "printed").open("wb") as printed:
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT, cwd=folder)

    def answers() -> bool:
        assert process.poll() is None, (folder / "printed").read_text("utf-8")
        with suppress(OSError):
            ssl.get_server_certificate((_HOST, port))
            return True
        return False

    try:
        wait_for(answers)
        yield Proxy(port, ssl.create_default_context(cafile=str(folder / "trusted.pem")))
    finally:
        process.terminate()
        process.wait()
