"""How many bytes Firestore counts for a value, by its published rules, and the bounds it sets.

An estimate: of types that no request has (places, references) only the smallest size is counted.
Source: "Storage size calculations", Cloud Firestore documentation.
"""

from collections.abc import Mapping, Sequence

#: Firestore takes no document above it.
MAX_DOCUMENT_BYTES = 1024 * 1024
#: Of a document's `input`; the rest is room for status, lease, progress, output and error.
MAX_INPUT_BYTES = 900 * 1024
#: Every document has these besides its name and its fields.
DOCUMENT_BYTES = 32
NUMBER_BYTES = 8
#: Places are two numbers; references are at least this long.
OTHER_BYTES = 16


def stored_bytes(value: object) -> int:
    """Bytes of one field's value, without the field's name."""
    match value:
        case None | bool():
            size = 1
        case str():
            size = len(value.encode(errors="surrogatepass")) + 1
        case bytes():
            size = len(value)
        case int() | float():
            size = NUMBER_BYTES
        case Mapping():
            size = sum(stored_bytes(str(name)) + stored_bytes(it) for name, it in value.items())
        case Sequence():
            size = sum(map(stored_bytes, value))
        case _:
            size = OTHER_BYTES
    return size


def document_bytes(path: str, data: Mapping[str, object]) -> int:
    """Bytes of the document `data` at `path`."""
    name = OTHER_BYTES + sum(stored_bytes(part) for part in path.split("/"))
    return DOCUMENT_BYTES + name + stored_bytes(data)
