"""Modules that are loaded when first looked into: not before, and then they are themselves."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def run_fresh(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr


def test_a_deferred_module_is_loaded_by_the_first_look_into_it_and_not_by_its_import() -> None:
    run_fresh("""
import inspect, sys
from gpu_worker.engine.deferred_imports import defer_imports
defer_imports()
import scipy.stats
from scipy import integrate
from scipy.optimize import linear_sum_assignment
inspect.getmodule(sys._getframe())  # looks at every module
assert not hasattr(sys.modules["scipy.stats"], "__wrapped__")
assert "scipy.special" not in sys.modules, "something was loaded"
assert integrate.quad(lambda x: 2 * x, 0, 1)[0] == 1
assert "scipy.special" in sys.modules
assert scipy.stats.norm.cdf(0) == 0.5
assert [list(it) for it in linear_sum_assignment([[1, 2], [2, 0]])] == [[0, 1], [0, 1]]
""")


def test_a_submodule_of_a_deferred_package_is_imported_with_the_package() -> None:
    run_fresh("""
import sys
from gpu_worker.engine.deferred_imports import defer_imports
defer_imports()
stand_in = sys.modules["scipy.optimize"]
import scipy.optimize._minpack_py
package = sys.modules["scipy.optimize"]
assert package is not stand_in
assert package._minpack_py is sys.modules["scipy.optimize._minpack_py"]
assert stand_in.brentq is package.brentq
""")


def test_what_is_loaded_already_or_not_installed_is_let_be() -> None:
    run_fresh("""
import json, sys
from gpu_worker.engine.deferred_imports import defer_imports
defer_imports({"json": (), "nobody_has_this": ()})
assert sys.modules["json"] is json
assert "nobody_has_this" not in sys.modules
""")
