"""Some of the rules' mutants, hunted as `make mutants` hunts them all; and how they are made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.rules.matrix.document_desk import RulesRefused
from tests.rules.matrix.does import DocumentCase
from tests.rules.matrix.firestore_cases import document_cases
from tests.rules.matrix.storage_cases import FileCase
from tests.rules.mutation.equivalents import EQUIVALENT
from tests.rules.mutation.grounds import (
    FIRESTORE_RULES,
    STORAGE_RULES,
    document_hunter,
    file_hunter,
    sample,
)
from tests.rules.mutation.hunt import Hunt, Hunter, hunt
from tests.rules.mutation.language import expressions
from tests.rules.mutation.mutants import Mutant, mutants
from tools.stack import Stack

DOCUMENTS = sample(FIRESTORE_RULES, 20)
FILES = sample(STORAGE_RULES, 8)


@pytest.fixture(scope="module")
def documents(stack: Stack, http: httpx.Client) -> Iterator[Hunter[DocumentCase]]:
    with document_hunter(stack, http) as hunter:
        yield hunter


@pytest.fixture(scope="module")
def files(stack: Stack, http: httpx.Client) -> Iterator[Hunter[FileCase]]:
    with file_hunter(stack, http) as hunter:
        yield hunter


def is_noticed(hunter: Hunter[Any], mutant: Mutant) -> bool:
    try:
        return hunter.killer(mutant) is not None
    except RulesRefused:
        return True  # by the compiler


@pytest.mark.stack
@pytest.mark.parametrize("mutant", DOCUMENTS, ids=lambda it: it.name)
def test_a_mutant_of_firestore_rules_is_noticed(
    documents: Hunter[DocumentCase], mutant: Mutant
) -> None:
    assert is_noticed(documents, mutant)


@pytest.mark.stack
@pytest.mark.parametrize("mutant", FILES, ids=lambda it: it.name)
def test_a_mutant_of_storage_rules_is_noticed(files: Hunter[FileCase], mutant: Mutant) -> None:
    assert is_noticed(files, mutant)


@pytest.mark.parametrize("file", [FIRESTORE_RULES, STORAGE_RULES], ids=lambda it: it.name)
def test_every_name_of_a_mutant_is_its_own_and_every_equivalent_is_one(file: Path) -> None:
    names = [mutant.name for mutant in mutants(file.read_text("utf-8"))]
    assert len(set(names)) == len(names)
    assert EQUIVALENT[file.name].keys() <= set(names)


def made_of(condition: str) -> set[str]:
    """The conditions of the mutants of one `allow` with this condition."""
    before, after = "match /a { allow get, list, create, update, delete: if ", ";\n}"
    return {
        mutant.rules.removeprefix(before).removesuffix(after)
        for mutant in mutants(f"{before}{condition}{after}")
        if mutant.rules.startswith(before) and mutant.rules.endswith(after)
    }


def test_conditions_are_dropped_turned_round_and_joined_otherwise() -> None:
    assert made_of("a() && b()") == {
        "true", "false", "!(a() && b())", "true && b()", "!(a()) && b()", "a() && true",
        "a() && !(b())", "a() || b()",
    }  # fmt: skip
    assert {"false || b()", "a() && b()"} <= made_of("a() || b()")
    assert "a()" in made_of("!a()")


def test_bounds_comparisons_types_and_texts_are_changed() -> None:
    assert {"x.size() < 5", "x.size() <= 6", "x.size() <= 4"} <= made_of("x.size() <= 5")
    assert {"x != 'a'", "x == 'changed'"} <= made_of("x == 'a'")
    assert "x is list" in made_of("x is string")
    assert {"x in ['a']", "x in ['b']", "x in ['a', 'b', 'anything_else']"} <= made_of(
        "x in ['a', 'b']"
    )
    assert {"x.matches('.*')", "x.matches('.*[a].*')"} <= made_of("x.matches('[a]')")


def test_arguments_and_documents_are_mistaken_for_each_other() -> None:
    assert "f(b, a)" in made_of("f(a, b)")
    assert "f(resource.data)" in made_of("f(request.resource.data)")


def test_verbs_and_matches_are_widened() -> None:
    made = {it.rules for it in mutants("match /users/{uid} { allow get: if f(); } // match /a {\n")}
    assert "match /users/{uid=**} { allow get: if f(); } // match /a {\n" in made
    assert "match /{any0}/{uid} { allow get: if f(); } // match /a {\n" in made
    assert "match /users/{uid} { allow get, delete: if f(); } // match /a {\n" in made


def test_what_the_parser_does_not_know_is_an_error_and_no_mutant_less() -> None:
    with pytest.raises(ValueError, match="more than this parser knows"):
        expressions("allow get: if a ? b : c;")


class Blind:
    """A desk where whatever is loaded allows what its text says."""

    def __init__(self) -> None:
        self.rules = ""

    def load(self, rules: str) -> None:
        if "refuse" in rules:
            raise RulesRefused(rules)
        self.rules = rules

    def allows(self, case: object) -> bool:
        return "allow" in self.rules

    def untouched(self, case: object) -> bool:
        return True


def test_a_mutant_that_nobody_noticed_and_a_wrong_reason_are_mistakes() -> None:
    desk = Blind()
    every = [Mutant("one", "allow"), Mutant("two", "deny"), Mutant("three", "refuse")]
    case = next(it for it in document_cases() if not it.allowed)
    found: Hunt = hunt(every, Hunter(desk, desk.load, [case]))
    assert (found.made, found.survived, found.refused) == (2, ["two"], ["three"])
    assert found.mistakes({}) == ["Nobody noticed two"]
    assert found.mistakes({"two": "because"}) == []
    assert len(found.mistakes({"one": "because", "two": "because"})) == 1
