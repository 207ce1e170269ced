"""A secret key that the database needs is never replaced unasked, and one of no use is said to be, with the fix."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app import serving
from receiver.app.components import Kit
from receiver.security import signing
from receiver.settings import secret_key
from receiver.storage import private_files
from receiver.storage.database import Database
from receiver.storage.models import SecretRow
from tests.commanding import Run, lines, runner
from tests.served import Served, order_fields

ROOT = Path(__file__).parents[2]
STORED = "stored in the database 0001"
LOST = "put it back from a backup; if it is lost, begin again with: flask init --new-key"
OTHER_KEY = "another key of thirty-two characters"


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def stored(kit: Kit) -> str:
    """Store a shared secret and one of the Order Control; give the first one's fingerprint."""
    now = datetime.now(UTC)
    kit.controls.rotate()
    with kit.database.write() as session:
        return kit.shared_secrets.add(session, STORED, now=now)


def control_mark(kit: Kit) -> str:
    return signing.fingerprint(kit.controls.reveal())


def damage(instance: Path, how: str) -> None:
    path = instance / "secret_key"
    key = path.read_bytes()
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how == "a link to nothing":
        path.symlink_to(instance / "nowhere")
    else:
        path.write_bytes({"empty": b"", "short": key[:31], "no text": b"\xff\xfe" + key}[how])


DAMAGES = ["empty", "short", "no text", "a folder", "a link to nothing"]


def test_init_never_replaces_a_lost_key_that_the_database_needs(
    run: Run, kit: Kit, instance: Path, stored: str
) -> None:
    mark = control_mark(kit)
    (instance / "secret_key").unlink()
    result = run("init")
    assert result.exit_code == 1
    assert f"{instance}/secret_key is missing, and only it can read what is stored: " in result.stderr
    assert f"1 shared secret ({stored}) and 1 secret of the Order Control ({mark})" in result.stderr
    assert "back from the backup" in result.stderr
    assert "`flask init --new-key`" in result.stderr
    assert not (instance / "secret_key").exists()


def test_init_makes_no_key_while_the_database_cannot_be_asked(run: Run, kit: Kit, instance: Path, stored: str) -> None:
    kit.database.engine.dispose()
    (instance / "secret_key").unlink()
    (instance / "receiver.sqlite").write_bytes(b"no database" * 1000)
    assert run("init").exit_code == 1
    assert not (instance / "secret_key").exists()


def test_a_key_that_was_put_back_reads_everything_again(run: Run, make_app: Callable[..., Flask], stored: str) -> None:
    instance = Path(os.environ["RECEIVER_INSTANCE_PATH"])
    key = (instance / "secret_key").read_text()
    (instance / "secret_key").unlink()
    assert run("init").exit_code == 1
    (instance / "secret_key").write_text(key)
    assert run("init").exit_code == 0
    kit: Kit = make_app().extensions["receiver"]
    assert STORED in kit.shared_secrets.keyring().active


@pytest.mark.parametrize("how", ["gone", *DAMAGES[:3]])
def test_a_new_key_is_made_when_asked_for_and_what_is_lost_is_said(
    run: Run, kit: Kit, instance: Path, make_app: Callable[..., Flask], stored: str, how: str
) -> None:
    mark = control_mark(kit)
    if how == "gone":
        (instance / "secret_key").unlink()
    else:
        damage(instance, how)
    result = run("init", "--new-key")
    assert result.exit_code == 0, result.output
    said = "\n".join(lines(result))
    assert f"Removed the shared secret {stored}, which can't be read any more; enter it again: flask" in said
    assert f"Removed the secret of the Order Control {mark}" in said
    assert "flask relay rotate" in said
    assert "Everybody is signed out" in said
    assert (instance / "secret_key").stat().st_mode & 0o777 == 0o600
    after: Kit = make_app().extensions["receiver"]
    assert after.obstacles.look() == []
    with after.database.write() as session:
        after.shared_secrets.add(session, STORED, now=datetime.now(UTC))
    assert STORED in after.shared_secrets.keyring().active


def test_a_key_that_reads_everything_is_never_replaced(run: Run, instance: Path, stored: str) -> None:
    before = (instance / "secret_key").read_text()
    result = run("init", "--new-key")
    assert (result.exit_code, (instance / "secret_key").read_text()) == (1, before)
    assert "nothing was changed" in result.stderr


def test_a_whole_key_that_cannot_read_what_is_stored_is_told_and_kept(run: Run, instance: Path, stored: str) -> None:
    (instance / "secret_key").write_text(OTHER_KEY)
    result = run("init")
    assert result.exit_code == 0
    assert lines(result)[0].startswith(f"Warning: the secret key can't read 1 shared secret ({stored}) and 1 secret")
    assert run("init", "--new-key").exit_code == 0
    assert (instance / "secret_key").read_text() == OTHER_KEY
    assert not any(line.startswith("Warning") for line in lines(run("init")))


@pytest.mark.parametrize("how", DAMAGES)
def test_a_key_file_of_no_use_stops_init_serve_and_doctor_with_the_fix(
    run: Run, instance: Path, make_app: Callable[..., Flask], how: str
) -> None:
    damage(instance, how)
    before = (instance / "secret_key").lstat()
    for words in (("init",), ("serve", "--port", "1")):
        result = run(*words)
        assert result.exit_code == 1, result.output
        assert LOST in result.stderr.lower()
    doctor = run("doctor")
    assert doctor.exit_code == 1
    assert LOST in doctor.stdout.lower()
    assert LOST in " ".join(make_app().extensions["receiver"].obstacles.look()).lower()
    assert (instance / "secret_key").lstat().st_ino == before.st_ino


def test_a_key_file_that_is_easy_to_guess_is_told_until_a_new_key_is_made(
    run: Run, instance: Path, make_app: Callable[..., Flask]
) -> None:
    (instance / "secret_key").write_text("0123456789abcdef" * 4)
    said = (
        f"The key in {instance}/secret_key is easy to guess: it repeats itself. Get another with: flask init --new-key"
    )
    assert make_app().extensions["receiver"].obstacles.look() == [said]
    assert said in run("init").stderr
    assert run("init", "--new-key").exit_code == 0
    assert make_app().extensions["receiver"].obstacles.look() == []


def test_what_the_system_does_not_let_be_read_is_to_be_given_to_who_serves(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For root, as whom tests may run, nothing is forbidden."""

    def refuse(*_: object) -> str:
        raise PermissionError(13, "Permission denied", str(instance / "secret_key"))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert secret_key.problem(instance) == (
        f"{instance}/secret_key cannot be read: Permission denied. Give it to the user that serves, with chown."
    )


def test_a_disk_that_takes_no_byte_leaves_no_key_behind(tmp_path: Path) -> None:
    """The limit on the size of files fails the write itself, as a full disk does."""
    shop = tmp_path / "shop"

    def init(limit: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flask", "init"],
            cwd=ROOT,
            env=os.environ | {"RECEIVER_INSTANCE_PATH": str(shop)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)),
            capture_output=True,
            text=True,
            check=False,
        )

    failed = init(10)
    assert failed.returncode == 1
    assert f"{shop}/secret_key can't be written: File too large." in failed.stderr
    assert sorted(path.name for path in shop.iterdir()) == ["handlers", "outbox", "templates"]
    assert init(resource.RLIM_INFINITY).returncode == 0
    assert len((shop / "secret_key").read_text()) >= 64


def test_of_two_that_write_a_file_at_once_the_first_ones_stays(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    assert private_files.write(path, "first")
    assert not private_files.write(path, "second")
    assert path.read_text() == "first"
    assert private_files.write(path, "third", replace=True)
    assert (path.read_text(), [file.name for file in tmp_path.iterdir()]) == ("third", ["secret_key"])


def under_another_key(database: Database) -> None:
    """Give every stored secret a ciphertext that this instance's key does not open."""
    with database.write() as session:
        session.execute(update(SecretRow).values(ciphertext="gAAAAAnot-of-this-key"))


def test_orders_are_answered_503_while_no_stored_secret_can_be_read(
    serve: Callable[..., Served], kit: Kit, stored: str
) -> None:
    under_another_key(kit.database)
    shop = serve(SHARED_SECRETS=[])
    for headers in ({"X-Shared-Secret": STORED}, {"X-Shared-Secret": "a secret that nobody knows"}, {}):
        reply = shop.post(order_fields(), headers=headers)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "30")
    assert STORED not in str(reply.content)


def test_a_running_self_tests_secret_makes_no_401_of_that_503(
    serve: Callable[..., Served], kit: Kit, stored: str
) -> None:
    under_another_key(kit.database)
    shop = serve(SHARED_SECRETS=[])
    with shop.kit.database.write() as session:
        shop.kit.shared_secrets.add(session, "of the self test 0001", now=datetime.now(UTC), name="selftest")
    assert shop.post(order_fields(), headers={"X-Shared-Secret": STORED}).status == 503
    assert shop.post(order_fields(), headers={"X-Shared-Secret": "of the self test 0001"}).status == 202


def test_one_readable_secret_is_enough_to_tell_right_from_wrong(
    serve: Callable[..., Served], kit: Kit, stored: str
) -> None:
    under_another_key(kit.database)
    shop = serve(SHARED_SECRETS=[])
    assert shop.post(order_fields(), headers={"X-Shared-Secret": STORED}).status == 503
    with shop.kit.database.write() as session:
        shop.kit.shared_secrets.add(session, STORED, now=datetime.now(UTC))
    assert shop.post(order_fields(), headers={"X-Shared-Secret": STORED}).status == 202
    assert shop.post(order_fields(), headers={"X-Shared-Secret": "a secret that nobody knows"}).status == 401


def test_one_secret_of_the_settings_is_enough_too(shop: Served, stored: str) -> None:
    under_another_key(shop.kit.database)
    assert shop.post(order_fields(), headers={"X-Shared-Secret": STORED}).status == 401


def test_start_and_doctor_say_that_no_stored_secret_can_be_read(
    make_app: Callable[..., Flask], run: Run, stored: str, caplog: pytest.LogCaptureFixture
) -> None:
    kit: Kit = make_app(SHARED_SECRETS=[], SECRET_KEY=OTHER_KEY).extensions["receiver"]
    serving.start(kit, work=False)
    kit.engine.stop()
    assert any("none of the stored shared secrets can be read" in record.getMessage() for record in caplog.records)
    doctor = run("doctor", SHARED_SECRETS=[], SECRET_KEY=OTHER_KEY)
    assert doctor.exit_code == 1
    assert "none can be read, so /orders always answers 503" in doctor.stdout
    assert f"{stored} cannot be decrypted with this SECRET_KEY" in doctor.stdout
    assert "1 secret of the Order Control" in doctor.stdout


def test_an_unreadable_secret_that_was_revoked_is_no_longer_complained_of(run: Run, kit: Kit, stored: str) -> None:
    assert run("secret", "revoke", stored, SECRET_KEY=OTHER_KEY).exit_code == 0
    assert f"{stored} cannot be decrypted" not in run("doctor", SECRET_KEY=OTHER_KEY).stdout
