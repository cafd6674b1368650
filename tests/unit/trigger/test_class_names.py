"""In the functions a name means one thing: no class of theirs is called as one of `shared` is."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]


def classes_of(package: str) -> dict[str, str]:
    """The module of each public class."""
    return {
        node.name: str(file.relative_to(ROOT))
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


def test_no_class_of_the_functions_has_the_name_of_a_shared_one() -> None:
    shared, own = classes_of("shared"), classes_of("trigger")
    assert len(shared) > 50
    assert len(own) > 10
    assert {name: (shared[name], own[name]) for name in shared.keys() & own.keys()} == {}
