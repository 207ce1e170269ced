"""Files beside handlers whose name begins with an underscore: imported by handlers, and by nobody else."""

from __future__ import annotations

import gc
import sys
import textwrap
from pathlib import Path

import pytest

from receiver.handlers.registry import load
from receiver.orders.idempotency import digest
from receiver.settings.instance_files import PREFIX
from receiver.testing import RunHandler
from receiver.testing.battery import out_of_bounds

SHARED = '"""What two handlers share."""\n\nWORD = "shared"\n\n\ndef shout(text):\n    return text.upper()\n'
WAYS = {
    "from ._shared import WORD, shout": "shout(WORD)",
    "from _shared import WORD, shout": "shout(WORD)",
    "from . import _shared": "_shared.shout(_shared.WORD)",
    "import _shared": "_shared.shout(_shared.WORD)",
    "import os, _shared as common, re": "common.shout(common.WORD) + os.sep[:0] + re.escape('')",
    "from _lib.words import WORD, shout": "shout(WORD)",
}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "handlers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), "utf-8")
    return path


def handler_that(does: str, imports: str, name: str = "mine", *, late: bool = False) -> str:
    at_the_top, inside = ("", imports) if late else (imports, "pass")
    return (
        f"{at_the_top}\nfrom receiver.handlers import handler\n\n\n"
        f"@handler\ndef {name}(order, context):\n    {inside}\n    return {does}\n"
    )


@pytest.mark.parametrize("late", [False, True], ids=["at the top", "inside the function"])
@pytest.mark.parametrize("imports", WAYS)
def test_a_handler_imports_what_it_shares_with_others(
    instance: Path, run_handler: RunHandler, imports: str, late: bool
) -> None:
    write(instance, "_shared.py", SHARED)
    write(instance, "_lib/__init__.py", "")
    write(instance, "_lib/words.py", "from .. import _shared\nWORD, shout = _shared.WORD, _shared.shout\n")
    write(instance, "mine.py", handler_that(WAYS[imports], imports, late=late))

    trial = run_handler("mine")

    assert (trial.state, trial.detail) == ("done", "SHARED")
    assert trial.kit.registry.problems == ()
    assert str(instance / "handlers") not in sys.path
    assert "_shared" not in sys.modules


def test_two_handlers_share_one_module(tmp_path: Path) -> None:
    write(tmp_path, "_shared.py", "SEEN = []\n")
    for name in ("one", "two"):
        write(tmp_path, f"{name}.py", handler_that("SEEN", "from ._shared import SEEN", name))
    registry = load(tmp_path)
    one, two = (registry.get(name) for name in ("one", "two"))
    assert one
    assert two
    assert one.function.__globals__["SEEN"] is two.function.__globals__["SEEN"]


def test_two_instances_in_one_process_share_nothing(tmp_path: Path) -> None:
    registries = []
    for name in ("a", "b"):
        write(tmp_path / name, "_shared.py", f"WORD = {name!r}\n")
        write(tmp_path / name, "mine.py", handler_that("WORD", "from _shared import WORD", late=True))
        registries.append(load(tmp_path / name))
    said = [mine.function(None, None) for registry in registries if (mine := registry.get("mine"))]  # type: ignore[arg-type]
    assert said == ["a", "b"]


def test_what_was_changed_is_loaded_again_within_the_same_second(tmp_path: Path) -> None:
    write(tmp_path, "mine.py", handler_that("WORD", "from _shared import WORD"))
    said = []
    for word in ("one", "two"):
        write(tmp_path, "_shared.py", f"WORD = {word!r}\n")
        mine = load(tmp_path).get("mine")
        assert mine
        said.append(mine.function(None, None))  # type: ignore[arg-type]
    assert said == ["one", "two"]
    assert list(tmp_path.rglob("*.pyc")) == []


@pytest.mark.parametrize("imports", ["from ._shared import WORD", "import _shared"])
@pytest.mark.parametrize(
    ("shared", "said"),
    [
        ("\n1 / 0\n", "line 2 of _shared.py: ZeroDivisionError: division by zero."),
        ("\ndef oops(:\n", "line 2 of _shared.py: "),
    ],
)
def test_an_error_in_a_shared_file_is_reported_with_its_line_for_each_that_uses_it(
    tmp_path: Path, imports: str, shared: str, said: str
) -> None:
    write(tmp_path, "_shared.py", shared)
    paths = [write(tmp_path, f"{name}.py", handler_that("1", imports, name)) for name in ("one", "two")]
    write(tmp_path, "well.py", handler_that("1", "", "well"))
    registry = load(tmp_path)
    assert [handler.name for handler in registry.handlers][3:] == ["well"]
    assert len(registry.problems) == 2
    for path, problem in zip(paths, registry.problems, strict=True):
        assert problem.startswith(f"{path} cannot be loaded: {said}")


def test_a_shared_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, "mine.py", handler_that("1", "from ._shered import WORD"))
    (problem,) = load(tmp_path).problems
    assert "line 1 of mine.py: ModuleNotFoundError: No module named 'instance_handlers_" in problem
    assert "_shered" in problem


def test_no_file_hides_a_module_of_python_or_is_seen_by_others(tmp_path: Path) -> None:
    write(tmp_path, "_thread.py", "WORD = 'mine'\n")
    write(tmp_path, "json.py", handler_that("json.dumps(hasattr(_thread, 'WORD'))", "import _thread, json", "json_"))
    registry = load(tmp_path)
    assert registry.problems == ()
    mine = registry.get("json_")
    assert mine
    assert mine.function(None, None) == "false"  # type: ignore[arg-type]


def test_the_digests_are_of_what_was_loaded(tmp_path: Path) -> None:
    mine = write(tmp_path, "mine.py", handler_that("WORD", "from _shared import WORD"))
    write(tmp_path, "_unused.py", "1 / 0\n")
    shared = write(tmp_path, "_shared.py", SHARED)
    files = load(tmp_path).files
    assert files
    expected = {"mine.py": digest(mine.read_bytes()), "_shared.py": digest(shared.read_bytes())}
    shared.write_text("WORD = 2\n")
    assert files.digests == expected


def test_modules_are_forgotten_with_what_loaded_them(tmp_path: Path) -> None:
    gc.collect()
    before = {name for name in sys.modules if name.startswith(PREFIX)}
    write(tmp_path, "mine.py", handler_that("1", ""))
    registry = load(tmp_path)
    made = {name for name in sys.modules if name.startswith(PREFIX)} - before
    assert len(made) == 2
    del registry
    gc.collect()
    assert not made & set(sys.modules)


def test_a_handler_may_import_a_shared_file_and_no_other_handler() -> None:
    source = "from ._shared import X\nfrom . import _shared\nfrom . import other\nfrom .other import work\n"
    package = f"{PREFIX}1"
    assert out_of_bounds(source, package) == [f"{package}.other", f"{package}.other.work"]
