"""Finding the handlers: their order, and what is said of those that cannot be taken."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from receiver.handlers import Handler
from receiver.handlers.registry import Registry, load

#: Built-in handlers that are off until their tables give them what they need.
OFF = {
    "append_csv": {"file": "orders.csv"},
    "notify_chat": {"url": "https://chat.example/hook"},
    "forward": {"urls": ["https://stock.example/orders"]},
}
BUILT_IN = ["register_customer", "email_customer", "notify_merchant"]


def write(folder: Path, name: str, text: str) -> Path:
    """Put a merchant's file into the instance folder."""
    path = folder / "handlers" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text), "utf-8")
    return path


def a_handler(name: str, options: str = "") -> str:
    return f"""
        from receiver.handlers import handler

        @handler{options}
        def {name}(order, context):
            return "ran"
    """


def names(registry: Registry) -> list[str]:
    return [handler.name for handler in registry.handlers]


def test_without_files_the_built_in_ones_run_in_their_order(tmp_path: Path) -> None:
    registry = load(tmp_path)
    assert (names(registry), registry.problems) == (BUILT_IN, ())


def test_the_merchants_files_follow_by_name(tmp_path: Path) -> None:
    write(tmp_path, "b.py", a_handler("from_b"))
    write(tmp_path, "a.py", a_handler("from_a"))
    registry = load(tmp_path)
    assert (names(registry), registry.problems) == ([*BUILT_IN, "from_a", "from_b"], ())


def test_a_file_may_hold_several_and_plain_helpers(tmp_path: Path) -> None:
    write(tmp_path, "two.py", a_handler("one") + a_handler("two") + "\n        def helper():\n            return 1\n")
    assert names(load(tmp_path))[3:] == ["one", "two"]


def test_options_are_kept(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.py",
        a_handler(
            "mine", "(after='notify_merchant', on_test=False, retries=2, timeout=5, events=('order.completed',))"
        ),
    )
    found = load(tmp_path).get("mine")
    assert found is not None
    assert found == Handler(
        name="mine",
        function=found.function,
        after="notify_merchant",
        on_test=False,
        retries=2,
        timeout=5,
        events=("order.completed",),
    )


@pytest.mark.parametrize(("events", "only"), [("('order.shipped',)", "order.shipped"), ("()", "no event at all")])
def test_a_handler_whose_events_there_are_not_is_not_loaded_and_says_why(
    tmp_path: Path, events: str, only: str
) -> None:
    path = write(tmp_path, "a.py", a_handler("mine", f"(events={events})"))
    write(tmp_path, "b.py", a_handler("other", "(after='mine')"))
    for chosen in ([], [*BUILT_IN, "mine", "other"]):
        registry = load(tmp_path, chosen)
        assert names(registry) == [*BUILT_IN, "other"]
        assert registry.problems == ()
        ((handler, reason),) = registry.not_loaded
        assert registry.notes == (reason, "other is to run after 'mine', which isn't loaded; it runs without waiting.")
        assert handler.name == "mine"
        said = f"it names {only} alone. The events are order.completed, order.refunded, order.cancelled, order.updated."
        assert reason == f"{path}: mine isn't loaded: {said}"


def test_a_handler_runs_on_the_events_that_it_names_with_a_note_of_what_is_none(tmp_path: Path) -> None:
    write(tmp_path, "a.py", a_handler("only", "(events=('order.refunded',))"))
    write(tmp_path, "b.py", a_handler("both", "(events=('order.shipped', 'order.cancelled', 'order.refunded'))"))
    registry = load(tmp_path)
    assert names(registry) == [*BUILT_IN, "only", "both"]
    assert (registry.problems, registry.not_loaded) == ((), ())
    said = "both runs on order.cancelled, order.refunded; order.shipped, which it names too, is no event."
    assert registry.notes == (said,)
    assert [one.name for one in registry.on("order.refunded")] == ["only", "both"]
    assert [one.name for one in registry.on("order.completed")] == BUILT_IN
    assert registry.on(None) == ()


def test_a_handler_that_is_only_imported_is_not_taken_twice(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.py",
        "from receiver.handlers.notify_merchant import notify_merchant\n" + textwrap.dedent(a_handler("mine")),
    )
    registry = load(tmp_path)
    assert (names(registry), registry.problems) == ([*BUILT_IN, "mine"], ())


def test_the_chosen_ones_run_in_the_order_chosen(tmp_path: Path) -> None:
    write(tmp_path, "a.py", a_handler("mine"))
    registry = load(tmp_path, ["mine", "register_customer"])
    assert (names(registry), registry.problems) == (["mine", "register_customer"], ())


def test_those_that_are_not_chosen_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a.py", a_handler("mine"))
    registry = load(tmp_path, ["notify_merchant", "register_customer"])
    assert [handler.name for handler in registry.left_out] == ["email_customer", *OFF, "mine"]


@pytest.mark.parametrize(("name", "table"), OFF.items())
def test_a_handler_that_needs_settings_of_its_own_runs_once_they_are_given(
    tmp_path: Path, name: str, table: dict[str, Any]
) -> None:
    assert name in {handler.name for handler in load(tmp_path).left_out}
    assert names(load(tmp_path, [], {name: table})) == [*BUILT_IN, name]
    assert names(load(tmp_path, [name])) == [name]


def test_a_handler_says_where_it_stands_and_what_it_does(tmp_path: Path) -> None:
    path = write(tmp_path, "a.py", a_handler("mine"))
    mine = load(tmp_path).handlers[-1]
    assert (mine.file, mine.description) == (str(path), "")
    assert load(tmp_path).handlers[1].description == "Email the order confirmation; replies go to the merchant."


def test_a_chosen_name_that_is_none_is_told(tmp_path: Path) -> None:
    registry = load(tmp_path, ["register_customer", "no_such"])
    assert names(registry) == ["register_customer"]
    assert registry.problems == ("HANDLERS names 'no_such', which is no handler; see `flask handlers list`.",)


def test_waiting_for_a_handler_that_does_not_run_is_told(tmp_path: Path) -> None:
    registry = load(tmp_path, ["email_customer"])
    assert registry.problems == (
        "email_customer is to run after 'register_customer', which doesn't run; it runs without waiting.",
    )


@pytest.mark.parametrize(
    ("waits", "said"),
    [
        ({"a": "a"}, "a after a"),
        ({"a": "b", "b": "a"}, "a after b, b after a"),
        ({"z": "b", "a": "b", "b": "c", "c": "a"}, "a after b, b after c, c after a"),
        ({"a": "c", "b": "a", "c": "b", "d": "register_customer", "e": "d"}, "a after c, c after b, b after a"),
    ],
)
def test_a_circle_is_told_and_nobody_waits_in_it(tmp_path: Path, waits: dict[str, str], said: str) -> None:
    for name, after in waits.items():
        write(tmp_path, f"{name}.py", a_handler(name, f"(after={after!r})"))
    registry = load(tmp_path)
    assert names(registry) == [*BUILT_IN, *sorted(waits)]
    assert registry.problems == (f"Handlers wait for each other in a circle ({said}); they run without waiting.",)
    in_circle = {step.partition(" ")[0] for step in said.split(", ")}
    assert {handler.name: handler.after for handler in registry.handlers if handler.name in waits} == {
        name: None if name in in_circle else after for name, after in waits.items()
    }
    assert not {handler.name for handler in registry.left_out} & set(waits)


def test_handler_below_another_decorator_is_told_of(tmp_path: Path) -> None:
    """Or what the other decorator does would be left out in silence."""
    code = """
        from functools import wraps
        from receiver.handlers import handler

        def twice(function):
            @wraps(function)
            def call(order, context):
                function(order, context)
                return function(order, context)
            return call

        @twice
        @handler
        def below(order, context):
            pass

        @handler
        @twice
        def above(order, context):
            pass
    """
    path = write(tmp_path, "a.py", code)
    registry = load(tmp_path)
    assert names(registry) == [*BUILT_IN, "above"]
    assert registry.problems == (f"{path}: below: @handler must be above its other decorators.",)


def test_get_finds_by_name_or_nothing(tmp_path: Path) -> None:
    registry = load(tmp_path)
    assert registry.get("notify_merchant") is registry.handlers[2]
    assert registry.get("no_such") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def broken(:\n", "cannot be loaded: line 1: "),
        ("1 / 0\n", "cannot be loaded: line 1 of bad.py: ZeroDivisionError: division by zero."),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "cannot be loaded: line 1 of bad.py: SystemExit: 3."),
        ("raise BaseException('odd')\n", "cannot be loaded: line 1 of bad.py: BaseException: odd."),
        ("x = 1\0\n", "cannot be loaded: source code string cannot contain null bytes."),
        ("x = 1\n", "has nothing marked with @handler."),
    ],
)
def test_a_broken_file_is_named_and_stops_no_other(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, "bad.py", text)
    write(tmp_path, "good.py", a_handler("good"))
    registry = load(tmp_path)
    assert names(registry) == [*BUILT_IN, "good"]
    (problem,) = registry.problems
    assert problem.startswith(f"{path} ")
    assert said in problem


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("timeout='10'", "timeout must be a number of seconds above 0, not '10'"),
        ("timeout=0", "timeout must be a number of seconds above 0, not 0"),
        ("timeout=True", "timeout must be a number of seconds above 0, not True"),
        ("timeout=float('nan')", "timeout must be a number of seconds above 0, not nan"),
        ("timeout=float('inf')", "timeout must be a number of seconds above 0, not inf"),
        ("retries=-1", "retries must be a whole number from 0 on, not -1"),
        ("retries='2'", "retries must be a whole number from 0 on, not '2'"),
        ("retries=True", "retries must be a whole number from 0 on, not True"),
        ("after=['register_customer']", "after must be one handler's name, not ['register_customer']"),
        ("after=''", "after must be one handler's name, not ''"),
        ("on_test='no'", "on_test must be True or False, not 'no'"),
        ("events='order.completed'", "events must be a tuple of names, not 'order.completed'"),
        ("events=(5,)", "events must be a tuple of names, not (5,)"),
    ],
)
def test_an_option_of_a_wrong_kind_is_a_broken_file_that_names_handler_and_line(
    tmp_path: Path, options: str, said: str
) -> None:
    path = write(tmp_path, "bad.py", a_handler("mine", f"({options})"))
    registry = load(tmp_path)
    assert names(registry) == BUILT_IN
    (problem,) = registry.problems
    assert problem.startswith(f"{path} cannot be loaded: line 4 of bad.py: ")
    assert problem.endswith(f": @handler of mine: {said}.")


def test_an_option_that_there_is_not_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "bad.py", a_handler("mine", "(retry=3)"))
    (problem,) = load(tmp_path).problems
    assert problem.startswith(f"{path} cannot be loaded: line 4 of bad.py: TypeError: ")
    assert "'retry'" in problem


def test_what_cannot_be_read_is_named_without_a_line(tmp_path: Path) -> None:
    (tmp_path / "handlers" / "bad.py").mkdir(parents=True)
    (problem,) = load(tmp_path).problems
    assert problem.startswith(f"{tmp_path / 'handlers' / 'bad.py'} cannot be loaded: IsADirectoryError: ")


def test_the_person_at_the_keyboard_can_end_the_loading(tmp_path: Path) -> None:
    write(tmp_path, "bad.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path)


def test_a_second_name_for_a_handler_is_no_second_handler(tmp_path: Path) -> None:
    write(tmp_path, "a.py", textwrap.dedent(a_handler("mine")) + "\nalias = mine\n")
    registry = load(tmp_path)
    assert (names(registry), registry.problems) == ([*BUILT_IN, "mine"], ())


def test_a_file_whose_error_has_no_words_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "bad.py",
        "class E(Exception):\n    def __str__(self):\n        raise RuntimeError\n\n\nraise E\n",
    )
    (problem,) = load(tmp_path).problems
    assert problem == f"{path} cannot be loaded: line 6 of bad.py: E: (its words can't be read)."


#: What somebody may set @handler on, and what is said of it.
NO_FUNCTIONS = {
    "@handler\nasync def mine(order, context):\n    pass\n": "mine, which is async and would not be awaited",
    "@handler\nasync def mine(order, context):\n    yield\n": "mine, which is async and would not be awaited",
    "@handler\ndef mine(order, context):\n    yield\n": "mine, which has a yield in it and would not run to its end",
    "mine = handler(lambda order, context: None)\n": "a lambda, which has no name",
    "mine = handler(retries=2)(lambda order, context: None)\n": "a lambda, which has no name",
    "import functools\nmine = handler(functools.partial(print))\n": "an object of the class partial",
    "@handler\nclass Mine:\n    pass\n": "a class",
    "class M:\n    def __call__(self, *_):\n        pass\nmine = handler(M())\n": "an object of the class M",
    "mine = handler(print)\n": "an object of the class builtin_function_or_method",
    "mine = handler('mine')\n": "an object of the class str",
}


@pytest.mark.parametrize("code", NO_FUNCTIONS)
def test_what_is_no_plain_function_is_a_broken_file_that_names_it_and_its_line(tmp_path: Path, code: str) -> None:
    path = write(tmp_path, "bad.py", f"from receiver.handlers import handler\n{code}")
    registry = load(tmp_path)
    assert names(registry) == BUILT_IN
    (problem,) = registry.problems
    assert problem.startswith(f"{path} cannot be loaded: line ")
    assert problem.endswith(
        f" of bad.py: TypeError: @handler is on {NO_FUNCTIONS[code]}; "
        "it must be on a plain function, def name(order, context)."
    )


def test_a_name_that_answers_to_everything_is_no_handler(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "from unittest.mock import Mock\nstub = Mock()\n" + textwrap.dedent(a_handler("mine")))
    registry = load(tmp_path)
    assert (names(registry), registry.problems) == ([*BUILT_IN, "mine"], ())


@pytest.mark.parametrize(
    "signature",
    [
        "def mine(order)",
        "def mine(order, context, more)",
        "def mine()",
        "def mine(order, *, context)",
        "def mine(order, context, *, more)",
    ],
)
def test_a_function_that_cannot_be_called_as_a_handler_is_not_taken(tmp_path: Path, signature: str) -> None:
    path = write(tmp_path, "a.py", f"from receiver.handlers import handler\n\n@handler\n{signature}:\n    pass\n")
    registry = load(tmp_path)
    assert names(registry) == BUILT_IN
    assert registry.problems == (f"{path}: mine must be a plain function of two arguments, (order, context).",)


def test_a_name_that_is_taken_is_told_and_the_first_one_runs(tmp_path: Path) -> None:
    path = write(tmp_path, "a.py", a_handler("notify_merchant"))
    registry = load(tmp_path)
    assert names(registry) == BUILT_IN
    assert registry.problems == (f"{path}: a handler named notify_merchant is there already; rename this one.",)


def test_a_file_that_is_not_python_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "README.md", "no code")
    assert load(tmp_path).problems == ()


def test_a_file_whose_name_begins_with_an_underscore_is_no_handler(tmp_path: Path) -> None:
    write(tmp_path, "_util.py", "LETTERS = 3\n")
    write(tmp_path, "_old.py", a_handler("old"))
    registry = load(tmp_path)
    assert (names(registry), registry.problems) == (BUILT_IN, ())


def test_an_installed_package_gives_handlers_by_its_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "packages"
    metadata = package / "some_shop_handlers-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: some-shop-handlers\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[receiver.handlers]\nweigh = some_shop_handlers\nbroken = some_shop_handlers_missing\n"
    )
    (package / "some_shop_handlers.py").write_text(textwrap.dedent(a_handler("weigh")))
    monkeypatch.syspath_prepend(package)
    write(tmp_path, "z.py", a_handler("mine"))
    registry = load(tmp_path)
    assert names(registry) == [*BUILT_IN, "mine", "weigh"]
    (problem,) = registry.problems
    assert problem.startswith("entry point broken cannot be loaded: ")


def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "handlers").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    registry = load(tmp_path)
    assert [handler.name for handler in registry.handlers] == ["register_customer", "email_customer", "notify_merchant"]
    assert registry.problems[0].startswith(f"{tmp_path}/handlers cannot be loaded: ")
