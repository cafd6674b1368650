"""Makes mutants of a file of rules: each the file with one small change that a slip could make.

Conditions dropped, turned round or opened, `and` for `or`, bounds shifted, texts, types and lists
changed, arguments swapped, matches widened, verbs added and dropped.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.rules.mutation.language import Kind, Node, expressions, without_comments

VERBS = ("get", "list", "create", "update", "delete")
ALLOW = re.compile(r"\ballow\s+([a-z, ]+?)\s*:")
MATCH = re.compile(r"\bmatch\s+(/\S+)\s*\{")
SEGMENT = re.compile(r"/([^/\s]+)")
TURNED = {"==": "!=", "!=": "==", "<=": "<", "<": "<=", ">": ">=", ">=": ">"}
OTHER_TYPE = {"string": "list", "number": "string", "bool": "string", "map": "list", "list": "map"}
OPPOSITE = {"true": "false", "false": "true"}
#: Of the document as it is, and as it is to be.
OTHER_RESOURCE = {"request.resource": "resource", "resource": "request.resource"}
PAIR = 2
#: Of the matrix's cells: a field and a status that nobody knows.
UNKNOWN = "anything_else"
#: Of a text in a mutant's name.
MAX_SHOWN = 60


@dataclass(frozen=True)
class Mutant:
    #: The change in words, and where; unique in its file.
    name: str
    #: The whole file.
    rules: str


@dataclass(frozen=True)
class Change:
    start: int
    end: int
    instead: str
    what: str


def mutants(rules: str) -> list[Mutant]:
    """All of them, in the file's order; no two are the same text."""
    changes = sorted(_changes(rules), key=lambda it: (it.start, it.end))
    names: Counter[str] = Counter()
    made: dict[str, Mutant] = {}
    for change in changes:
        text = rules[: change.start] + change.instead + rules[change.end :]
        if text == rules or text in made:
            continue
        name = _name(rules, change)
        names[name] += 1
        again = f" ({names[name]})" if names[name] > 1 else ""
        made[text] = Mutant(name=f"{name}{again}", rules=text)
    return list(made.values())


def _name(rules: str, change: Change) -> str:
    """Without its number: the line as it is says the place, and stays true when others move it."""
    start = rules.rfind("\n", 0, change.start) + 1
    line = rules[start : rules.index("\n", change.start)]
    old, new = _short(rules[change.start : change.end]), _short(change.instead)
    return f"{change.what}: {old} → {new}, column {change.start - start + 1} of `{line.strip()}`"


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= MAX_SHOWN else f"{words[:MAX_SHOWN]}…"


def _changes(rules: str) -> Iterator[Change]:
    for whole in expressions(rules):
        yield from _opened(whole, rules)
        for node in whole.walk():
            yield from _of_logic(node, rules)
            yield from _of_a_comparison(node, rules)
            yield from _of_a_value(node, rules)
            yield from _of_arguments(node, rules)
    plain = without_comments(rules)
    yield from _of_verbs(plain)
    yield from _of_matches(plain)


def _opened(whole: Node, rules: str) -> Iterator[Change]:
    if whole.kind in (Kind.LIST, Kind.NAME):
        return
    for value in ("true", "false"):
        yield Change(whole.start, whole.end, value, "always")
    yield _negated(whole, rules)


def _negated(node: Node, rules: str) -> Change:
    return Change(node.start, node.end, f"!({rules[node.start : node.end]})", "turned round")


def _of_logic(node: Node, rules: str) -> Iterator[Change]:
    if node.kind is Kind.NOT:
        (inner,) = node.children
        yield Change(node.start, node.end, rules[inner.start : inner.end], "not turned round")
    if node.kind not in (Kind.AND, Kind.OR):
        return
    idle, other = ("true", "||") if node.kind is Kind.AND else ("false", "&&")
    for operand in node.children:
        yield Change(operand.start, operand.end, idle, "dropped")
        yield _negated(operand, rules)
    for sign in node.signs:
        yield Change(sign.start, sign.end, other, "the other")


def _of_a_comparison(node: Node, rules: str) -> Iterator[Change]:
    if node.kind is not Kind.COMPARISON:
        return
    (sign,) = node.signs
    if sign.text in TURNED:
        yield Change(sign.start, sign.end, TURNED[sign.text], "compared otherwise")
    if sign.text == "is":
        kind = node.children[1]
        other = OTHER_TYPE[rules[kind.start : kind.end]]
        yield Change(kind.start, kind.end, other, "another type")


def _of_a_value(node: Node, rules: str) -> Iterator[Change]:
    text = rules[node.start : node.end]
    if node.kind is Kind.NUMBER:
        yield Change(node.start, node.end, str(int(text) + 1), "one more")
        yield Change(node.start, node.end, str(int(text) - 1), "one less")
    elif node.kind is Kind.TEXT:
        yield Change(node.start, node.end, "'changed'", "another text")
    elif node.kind is Kind.NAME and text in OPPOSITE:
        yield Change(node.start, node.end, OPPOSITE[text], "the opposite")
    elif node.kind is Kind.LIST:
        for index, child in enumerate(node.children):
            left = [it for at, it in enumerate(node.children) if at != index]
            fewer = ", ".join(rules[it.start : it.end] for it in left)
            what = f"without {rules[child.start : child.end]}"
            yield Change(node.start, node.end, f"[{fewer}]", what)
        yield Change(node.end - 1, node.end, f", '{UNKNOWN}']", "one more")


def _of_arguments(node: Node, rules: str) -> Iterator[Change]:
    if node.kind is Kind.CALL:
        called, *given = node.children
        texts = [rules[it.start : it.end] for it in given]
        if len(given) == PAIR:
            swapped = ", ".join(reversed(texts))
            yield Change(given[0].start, given[1].end, swapped, "swapped")
        if rules[called.start : called.end].endswith(".matches"):
            yield Change(given[0].start, given[0].end, "'.*'", "any text")
            loose = f"'.*{texts[0][1:-1]}.*'"
            yield Change(given[0].start, given[0].end, loose, "anywhere in it")
    text = rules[node.start : node.end]
    if text in OTHER_RESOURCE and not rules[: node.start].endswith("request."):
        yield Change(node.start, node.end, OTHER_RESOURCE[text], "the other document")


def _of_verbs(plain: str) -> Iterator[Change]:
    for found in ALLOW.finditer(plain):
        verbs: Sequence[str] = found.group(1).replace(" ", "").split(",")
        for verb in VERBS:
            if verb not in verbs:
                more = ", ".join([*verbs, verb])
                yield Change(found.start(1), found.end(1), more, f"also {verb}")
            elif len(verbs) > 1:
                fewer = ", ".join(it for it in verbs if it != verb)
                yield Change(found.start(1), found.end(1), fewer, f"not {verb}")


def _of_matches(plain: str) -> Iterator[Change]:
    for found in MATCH.finditer(plain):
        segments = list(SEGMENT.finditer(plain, found.start(1), found.end(1)))
        for index, segment in enumerate(segments):
            start, end, text = segment.start(1), segment.end(1), segment.group(1)
            if text.endswith("=**}"):
                yield Change(start, end, text.replace("=**", ""), "no folders below")
            elif not text.startswith("{"):
                yield Change(start, end, f"{{any{index}}}", "any name")
            if segment is segments[-1]:
                below = text.replace("}", "=**}") if text.startswith("{") else f"{text}/{{any=**}}"
                if "=**=**" not in below:
                    yield Change(start, end, below, "and all below")
