"""The containers of deploy/: the files fit each other, the settings, the commands and the other samples."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from flask import Flask

from receiver.settings import reading
from receiver.settings.model import Settings
from receiver.storage import postgresql_database
from tests.served import Served

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE = (DEPLOY / "compose.yaml").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "order-receiver"}
EXAMPLE = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "compose.env.example").read_text("utf-8"), re.MULTILINE))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
LET_IN = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
SERVER: list[str] = json.loads(re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)[0])


def test_the_settings_that_the_containers_get_are_right(instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled_in = {name: value or "a-value-of-32-characters-or-more-" for name, value in EXAMPLE.items()}
    given = EXAMPLE | {
        name: re.sub(r"\$\{(\w+)[^}]*\}", lambda asked: filled_in[asked[1]], value)
        for service in OURS.values()
        for name, value in service["environment"].items()
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    read = reading.read(instance, {})

    assert [*read.problems, *read.paused, *read.unknown] == []
    assert {read.origins[name.removeprefix("RECEIVER_")] for name in given if name.startswith("RECEIVER_")} == {
        reading.ENVIRONMENT
    }


def test_no_secret_is_in_the_file_and_all_that_it_asks_for_are_in_the_example() -> None:
    assert set(re.findall(r"\$\{(\w+):\?", COMPOSE)) == {name for name in EXAMPLE if EXAMPLE[name] == ""} - {
        "RECEIVER_MAIL_SERVER",
        "RECEIVER_MAIL_USERNAME",
        "RECEIVER_MAIL_PASSWORD",
    } | {"DOMAIN"}
    for line in re.findall(r"^.*(?:PASSWORD|SECRET|requirepass|AUTH).*$", COMPOSE, re.MULTILINE):
        assert "${" in line, line
    assert "/deploy/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_every_command_is_there(make_app: Callable[..., Flask]) -> None:
    cli = make_app().cli
    commands = [service["command"] for service in OURS.values() if "command" in service]
    assert {words[0] for words in commands} == {"flask"}
    assert all(cli.get_command(click.Context(cli), words[1]) for words in commands)


def test_the_server_is_the_same_as_under_systemd() -> None:
    (systemd,) = re.findall(r"^ExecStart=\S+/(granian .+)$", (DEPLOY / "receiver.service").read_text(), re.MULTILINE)
    assert " ".join(SERVER) == systemd.replace("--host 127.0.0.1", "--host 0.0.0.0")


def test_the_backup_under_systemd_is_a_command_and_as_shut_in_as_the_server(make_app: Callable[..., Flask]) -> None:
    server, backup = ((DEPLOY / f"{name}.service").read_text("utf-8") for name in ("receiver", "receiver-backup"))
    (words,) = re.findall(r"^ExecStart=\S+/flask (.+)$", backup, re.MULTILINE)
    name, *given = words.split()
    cli = make_app().cli
    command = cli.get_command(click.Context(cli), name)
    assert command
    assert command.make_context(name, given).params == {"folder": Path("/var/backups/receiver"), "keep": 14}
    shut_in = re.findall(
        r"^(?:UMask|NoNewPrivileges|Private\w+|Protect\w+|User|Group|WorkingDirectory)=.*", server, re.MULTILINE
    )
    assert len(shut_in) == 8
    assert set(shut_in) <= set(backup.splitlines())
    assert "ReadWritePaths=/srv/receiver/instance /var/backups/receiver" in backup


def test_the_image_gets_what_it_copies_and_nothing_secret() -> None:
    copied = " ".join(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)).split()
    for path in copied:
        assert (ROOT / path).exists(), path
        assert any(one == path or one.startswith(f"{path}/") for one in LET_IN), path
    of_instance = {path for path in LET_IN if path.startswith("instance")}
    assert of_instance == {
        "instance/README.md",
        "instance/config.toml",
        *(f"instance/{folder}" for folder in ("handlers", "registrars", "sources", "templates")),
    }


def test_every_image_has_a_full_version() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    others = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    assert len(set(bases)) == 1
    for image in (*bases, *others):
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?", image), image


def test_our_containers_are_neither_root_nor_written_to() -> None:
    assert re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE) == ["10001"]
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    assert yaml.safe_load(COMPOSE)["networks"] == {"storage": {"internal": True}}
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["storage"]
    assert "networks" not in SERVICES["caddy"]


def test_volumes_are_named_and_mounted_files_are_there() -> None:
    mounted = [one.split(":")[0] for service in SERVICES.values() for one in service.get("volumes", ())]
    files = [path for path in mounted if path.startswith(".")]
    assert {*mounted} - {*files} == set(yaml.safe_load(COMPOSE)["volumes"])
    assert all((DEPLOY / path).is_file() for path in files)


def test_the_database_takes_all_connections_that_the_containers_may_open() -> None:
    """The pool's, and the one that the accept path keeps."""
    of_one = postgresql_database._CONNECTIONS + 1
    processes = SERVICES["worker"]["deploy"]["replicas"]
    processes += SERVICES["web"]["deploy"]["replicas"] * int(SERVER[SERVER.index("--workers") + 1])
    (most,) = (int(word.split("=")[1]) for word in SERVICES["postgres"]["command"] if "max_connections" in word)
    commands_and_tools = 1
    assert (processes + commands_and_tools) * of_one <= most


def test_the_proxy_does_all_that_the_other_sample_does() -> None:
    of_one_server, of_all = (
        re.sub(r"^\s*#.*$\n", "", (DEPLOY / name).read_text("utf-8"), flags=re.MULTILINE).splitlines()
        for name in ("Caddyfile", "compose.Caddyfile")
    )
    missing = [line for line in of_one_server if line not in of_all]
    assert missing == ["orders.your-shop.example {", "\treverse_proxy 127.0.0.1:8000 {"]


@pytest.mark.parametrize("name", ["Caddyfile", "compose.Caddyfile"])
def test_the_proxys_buffer_holds_more_than_the_largest_request_that_it_takes(name: str) -> None:
    """What's larger than the buffer is passed on as it comes, and a sender that stalls then holds a thread."""
    sample = (DEPLOY / name).read_text("utf-8")
    (largest,), (buffer,) = (
        re.findall(rf"^\t+{word} (\d+)MB$", sample, re.MULTILINE) for word in ("max_size", "request_buffers")
    )
    assert Settings.model_fields["MAX_BODY_BYTES"].default < int(largest) * 1_000_000 < int(buffer) * 1_000_000


def test_the_health_checks_pass_while_the_server_answers_and_fail_otherwise(serve: Callable[..., Served]) -> None:
    address = re.search(r"[\d.]+:\d+", serve().url)
    assert address
    (of_image,) = re.findall(r"^    CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    for _, option, code in (json.loads(of_image), SERVICES["web"]["healthcheck"]["test"][1:]):
        assert _status(option, code.replace("127.0.0.1:8000", address[0])) == 0
        assert _status(option, code.replace("127.0.0.1:8000", "127.0.0.1:1")) == 1


def _status(*arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], check=False, stderr=subprocess.DEVNULL).returncode
