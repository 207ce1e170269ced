"""The wheel: built from the sdist, installed into a clean virtual environment, and used from a folder of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

import receiver
from tests import unmeasured
from tests.smtp_servers import free_port
from tests.waiting import SOON

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """Return a new user's environment: none of this kit's settings, and no way back to the checkout."""
    hidden = ("RECEIVER_", "PYTHON", "FLASK_")
    return {name: value for name, value in unmeasured.environment().items() if not name.startswith(hidden)}


def run(*command: str | Path, folder: Path) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass
class Installed:
    """A virtual environment that holds the wheel, and the folder that a merchant works in."""

    bin: Path
    folder: Path

    def flask(self, *arguments: str) -> str:
        return run(self.bin / "python", "-m", "flask", "--app", "receiver", *arguments, folder=self.folder)

    def order_receiver(self, *arguments: str) -> str:
        return run(self.bin / "order-receiver", *arguments, folder=self.folder)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and wheel as a release is built."""
    built = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", built, ROOT, folder=built)
    assert [path.name for path in built.glob("*.tar.gz")] == [f"order_receiver-{receiver.__version__}.tar.gz"]
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel beside this environment's packages, among which the kit itself isn't."""
    venv = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, folder=venv.parent)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    pip = (sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "-q", "--no-index", "--no-deps")
    run(*pip, wheel, folder=venv.parent)
    return Installed(venv / "bin", tmp_path_factory.mktemp("shop"))


@contextmanager
def served(installed: Installed) -> Iterator[str]:
    """Run ``flask --app receiver serve`` until the block ends; gives its address."""
    port = free_port()
    command = [str(installed.bin / "python"), "-m", "flask", "--app", "receiver", "serve", "--port", str(port)]
    printed = installed.folder / "printed"
    with printed.open("w") as output:
        process = subprocess.Popen(
            command, cwd=installed.folder, env=environment(), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C to stop" not in printed.read_text("utf-8"):
            assert process.poll() is None, printed.read_text("utf-8")
            assert time.monotonic() < deadline, printed.read_text("utf-8")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(SOON)


def test_the_wheel_holds_all_that_the_package_holds(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    listed = run("git", "ls-files", "-z", "receiver", folder=ROOT).split("\0")
    assert {name for name in listed if name and (ROOT / name).exists()} <= held
    assert {f"receiver/web/help/docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= held


def test_flask_sets_up_the_instance_in_the_working_directory_and_tests_itself(installed: Installed) -> None:
    said = installed.flask("init")
    assert f"Wrote {installed.folder / 'instance' / 'config.toml'}" in said
    assert re.search(r"Admin password: \S+ \(shown once\)", said)
    assert "The self test passed." in installed.flask("selftest")


def test_the_console_script_is_the_same_commands(installed: Installed) -> None:
    assert installed.order_receiver("--version") == f"order-receiver, version {receiver.__version__}\n"
    assert "is up to date" in installed.order_receiver("init")


def test_it_serves(installed: Installed) -> None:
    installed.flask("init")
    with served(installed) as address:
        assert urllib3.request("GET", f"{address}/readyz").status == 200
        page = urllib3.request("GET", f"{address}/admin/").data.decode()
        style = re.search(r'href="(/static/[^"]+\.css[^"]*)"', page)
        assert style is not None
        assert urllib3.request("GET", f"{address}{style[1]}").status == 200
    assert "order-receiver secret add SECRET" in (installed.folder / "printed").read_text("utf-8")
