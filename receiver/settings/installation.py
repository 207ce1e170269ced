"""How this copy of the kit is installed: its version, where the instance folder is, how a command is typed."""

from __future__ import annotations

import os
from pathlib import Path

VERSION = "1.0.0"
_ROOT = Path(__file__).parents[2]
#: False where the kit was installed as a package.
IS_CHECKOUT = (_ROOT / "pyproject.toml").is_file()
#: What to type before a command's name.
COMMAND = ".venv/bin/flask" if IS_CHECKOUT else "order-receiver"


def instance_folder(given: str | Path | None = None, *, usually: Path | None = None) -> Path:
    """Return the folder given, else RECEIVER_INSTANCE_PATH, else the usual one.

    That is ``instance`` in the checkout, or else in the working directory, unless ``usually`` is another.
    """
    chosen = given or os.environ.get("RECEIVER_INSTANCE_PATH") or usually
    return Path(chosen or (_ROOT if IS_CHECKOUT else Path.cwd()) / "instance").expanduser().absolute()
