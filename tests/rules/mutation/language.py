"""The expressions of the security rules language, as trees over the text they stand in.

Only as much of the language as finds what can be changed; whether a text compiles, the emulator
says. Grammar, loosest first: `||`, `&&`, comparisons, `* + -`, `!`, members and calls.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

TOKEN = re.compile(
    r"""
    (?P<text>'[^']*'|"[^"]*")
    | (?P<path>/(?:\$?\([^)]*\)|[\w-]+)(?:/(?:\$?\([^)]*\)|[\w-]+))*)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*<>!.,()\[\]])
    """,
    re.VERBOSE,
)
#: What holds a whole expression; the expression is group 1.
HOLDERS = re.compile(r"(?:\breturn\b|:\s*if\b|\blet\s+\w+\s*=)\s*([^;]*?)\s*;")
COMMENT = re.compile(r"//[^\n]*")
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in", "is")


class Kind(StrEnum):
    OR = "||"
    AND = "&&"
    NOT = "!"
    COMPARISON = "comparison"
    ARITHMETIC = "arithmetic"
    MEMBER = "member"
    CALL = "call"
    INDEX = "index"
    LIST = "list"
    TEXT = "text"
    NUMBER = "number"
    NAME = "name"
    PATH = "path"


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Node:
    """A part of an expression: `source[start:end]`."""

    kind: Kind
    start: int
    end: int
    children: Sequence["Node"] = ()
    #: The signs between the children, or the one that makes it what it is.
    signs: Sequence[Token] = ()

    def walk(self) -> Iterator["Node"]:
        yield self
        for child in self.children:
            yield from child.walk()


def without_comments(source: str) -> str:
    """`source` with blanks for its comments, so that places stay."""
    return COMMENT.sub(lambda found: " " * len(found.group()), source)


def expressions(source: str) -> list[Node]:
    """Every whole expression: conditions of `allow`, results of functions, values of `let`."""
    plain = without_comments(source)
    return [
        _Parser(plain, found.start(1), found.end(1)).whole() for found in HOLDERS.finditer(plain)
    ]


class _Parser:
    def __init__(self, source: str, start: int, end: int) -> None:
        self._tokens = [
            Token(str(found.lastgroup), found.group(), found.start(), found.end())
            for found in TOKEN.finditer(source, start, end)
        ]
        left = TOKEN.sub("", source[start:end]).strip()
        if left:
            raise ValueError(f"The rules language has more than this parser knows: {left!r}")
        self._next = 0

    def whole(self) -> Node:
        node = self._or()
        if self._next != len(self._tokens):
            raise ValueError(f"Not understood from here on: {self._tokens[self._next]}")
        return node

    def _or(self) -> Node:
        return self._chain(Kind.OR, ("||",), self._and)

    def _and(self) -> Node:
        return self._chain(Kind.AND, ("&&",), self._comparison)

    def _comparison(self) -> Node:
        return self._chain(Kind.COMPARISON, COMPARISONS, self._arithmetic)

    def _arithmetic(self) -> Node:
        return self._chain(Kind.ARITHMETIC, ("+", "-", "*"), self._not)

    def _chain(self, kind: Kind, signs: Sequence[str], inner: Callable[[], Node]) -> Node:
        children, between = [inner()], []
        while self._sees(*signs):
            between.append(self._take())
            children.append(inner())
        if not between:
            return children[0]
        return Node(kind, children[0].start, children[-1].end, children, between)

    def _not(self) -> Node:
        if not self._sees("!"):
            return self._postfix()
        sign = self._take()
        inner = self._not()
        return Node(Kind.NOT, sign.start, inner.end, [inner], [sign])

    def _postfix(self) -> Node:
        node = self._primary()
        while self._sees(".", "(", "["):
            sign = self._take()
            if sign.text == ".":
                name = self._take()
                node = Node(Kind.MEMBER, node.start, name.end, [node], [name])
            else:
                kind, closing = (Kind.CALL, ")") if sign.text == "(" else (Kind.INDEX, "]")
                inside, end = self._until(closing)
                node = Node(kind, node.start, end, [node, *inside], [sign])
        return node

    def _primary(self) -> Node:
        token = self._take()
        if token.text == "(":
            (inner,), end = self._until(")")
            # With its brackets, which are part of what is replaced.
            return Node(inner.kind, token.start, end, inner.children, inner.signs)
        if token.text == "[":
            inside, end = self._until("]")
            return Node(Kind.LIST, token.start, end, inside)
        return Node(Kind(token.kind), token.start, token.end, signs=[token])

    def _until(self, closing: str) -> tuple[list[Node], int]:
        inside: list[Node] = []
        while not self._sees(closing):
            inside.append(self._or())
            if self._sees(","):
                self._take()
        return inside, self._take().end

    def _sees(self, *texts: str) -> bool:
        return self._next < len(self._tokens) and self._tokens[self._next].text in texts

    def _take(self) -> Token:
        self._next += 1
        return self._tokens[self._next - 1]
