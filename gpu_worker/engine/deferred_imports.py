"""Modules that libraries import at their top and hardly ever use: loaded when first looked into.

diffusers' schedulers import `scipy.stats` for beta sigmas and `scipy.integrate` for LMS alone, and
transformers a function of `scipy.optimize` for the training of detectors: together a sixth of the
engine's imports. `importlib.util.LazyLoader` would not do: `inspect.getmodule`, which torch calls,
asks every module for its `__file__`, and that alone makes a lazy module load.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

#: Module → its functions that others import by name (`from x.y import z`), which are deferred too;
#: any other name, or a submodule, asked of it loads it.
DEFERRED: Mapping[str, tuple[str, ...]] = {
    "scipy.stats": (),
    "scipy.integrate": (),
    "scipy.optimize": ("linear_sum_assignment",),
}


class _Deferred(ModuleType):
    """Stands in `sys.modules` for a module until that is loaded, and answers for it after that."""

    _functions: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there. Raises `AttributeError` for Python's own names, which
        whoever walks over all modules asks for."""
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        if name in self._functions:
            return self._function(name)
        return getattr(self.load(), name)

    def load(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)

    def _function(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return getattr(self.load(), name)(*arguments, **named)

        return call


class _Path(list[str]):
    """A package's folders. Any import by name from it looks whether it has such; only the import of
    a submodule looks into them, and finds the package loaded then."""

    def __init__(self, package: _Deferred, folders: Iterable[str]) -> None:
        super().__init__(folders)
        self._package = package

    def __iter__(self) -> Iterator[str]:
        self._package.load()
        return super().__iter__()


def defer_imports(modules: Mapping[str, tuple[str, ...]] = DEFERRED) -> None:
    """Call before anybody imports them; what is loaded already, or not installed, is let be."""
    for name, functions in modules.items():
        if name in sys.modules:
            continue
        spec = importlib.util.find_spec(name)
        if spec is None:
            continue
        stand_in = _Deferred(name)
        # So that `inspect` finds its way without loading it.
        stand_in.__spec__ = spec
        stand_in.__file__ = spec.origin
        stand_in.__path__ = _Path(stand_in, spec.submodule_search_locations or ())
        stand_in._functions = functions  # noqa: SLF001 - it has to be made as any module is
        sys.modules[name] = stand_in
