"""The Python files of a folder of the instance as one package of its own, so that they can share ``_shared.py``.

``from ._shared import X`` works there because each file is a module of a package. ``from _shared import X`` is read as
the same there, and only there: the folder never comes onto ``sys.path``, where it would hide other modules, the
standard library's too, and be seen by other apps of the process.
"""

from __future__ import annotations

import ast
import sys
import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from receiver.orders.idempotency import digest

#: How the packages' names begin; a number of their own ends them.
PREFIX = "instance_"
_numbers = count(1)


class InstanceFiles:
    """The package of one folder's files; it's forgotten with this object, so no two apps share a module."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._package = _Package(f"{PREFIX}{folder.name}_{next(_numbers)}", folder)
        sys.modules[self._package.__name__] = self._package
        if _FINDER not in sys.meta_path:
            sys.meta_path.append(_FINDER)
        weakref.finalize(self, _forget, self._package.__name__).atexit = False

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each file that was loaded, as it was then, by its path from the folder on."""
        return dict(self._package.digests)

    def listed(self) -> list[Path]:
        """Return the files to load: those whose names don't begin with ``_``. Raises OSError."""
        # Not by glob, which takes a folder that mayn't be read for an empty one.
        paths = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(path for path in paths if path.match("[!_]*.py"))

    def load(self, path: Path) -> ModuleType:
        """Load one file, and what it imports of the others; raises what they raise."""
        name = f"{self._package.__name__}.{path.stem.replace('.', '_')}"
        spec = spec_from_file_location(name, path, loader=_Loader(self._package, name, str(path)))
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        module = sys.modules[name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


class _Package(ModuleType):
    """A package whose modules only the finder below finds; an ``__init__.py`` isn't run."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.folder = folder
        self.digests: dict[str, str] = {}

    def has_shared(self, name: str) -> bool:
        """Return whether a name is that of a shared file; Python's own modules aren't."""
        is_free = name.startswith("_") and name not in sys.stdlib_module_names
        return is_free and _FINDER.find_spec(f"{self.__name__}.{name}") is not None


class _Finder(MetaPathFinder):
    """A finder for the modules of such packages only."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is loaded from, or None when it is not ours."""
        package = sys.modules.get(name.partition(".")[0])
        if not isinstance(package, _Package):
            return None
        # A new one each time: a finder that's kept misses a file which is added before the folder's time changes.
        folder = package.folder.joinpath(*name.split(".")[1:-1])
        found = FileFinder(str(folder), (partial(_Loader, package), [".py"])).find_spec(name)  # type: ignore[arg-type]
        if found and found.submodule_search_locations:
            found.submodule_search_locations = []  # or Python's own finder would load what's in the folder
        return found if found and found.loader else None


_FINDER = _Finder()


class _Loader(SourceFileLoader):
    """A loader that reads a file from its source each time."""

    def __init__(self, package: _Package, name: str, file: str) -> None:
        super().__init__(name, file)
        self._package = package

    def path_stats(self, _path: object) -> Mapping[str, Any]:
        """Keep no bytecode: it would miss a second change within the same second."""
        raise OSError

    def source_to_code(self, data: Any, path: Any, **_options: Any) -> CodeType:  # type: ignore[override]
        """Compile a source, and keep the digest of what was loaded."""
        self._package.digests[str(Path(self.path).relative_to(self._package.folder))] = digest(data)
        tree: Any = compile(data, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        if self.name.count(".") == 1:
            tree = ast.fix_missing_locations(_OfSharedFiles(self._package).visit(tree))
        return compile(tree, path, "exec", dont_inherit=True)


class _OfSharedFiles(ast.NodeTransformer):
    """A transformer that turns ``from _shared import X`` into ``from ._shared import X``."""

    def __init__(self, package: _Package) -> None:
        self._package = package

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """Make an absolute import of a shared file a relative one."""
        if node.level == 0 and self._package.has_shared((node.module or "").partition(".")[0]):
            node.level = 1
        return node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """Split the statement, so that each shared file is imported from the package."""
        return [ast.copy_location(self._of_one(name), node) for name in node.names]

    def _of_one(self, name: ast.alias) -> ast.stmt:
        is_shared = self._package.has_shared(name.name)
        return ast.ImportFrom(module=None, names=[name], level=1) if is_shared else ast.Import(names=[name])


def _forget(package: str) -> None:
    for name in list(sys.modules):  # another thread may import something meanwhile
        if name == package or name.startswith(f"{package}."):
            sys.modules.pop(name, None)
