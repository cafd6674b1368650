"""Mutants that change nothing, and why: no request can tell them from the rules as they are.

A reason → the names of its mutants. Whoever changes the rules finds out: `Hunt.mistakes` says which
survivor is missing here and which name is no survivor.
"""

from collections.abc import Mapping, Sequence

SIGNED_IN = "return request.auth != null && request.auth.uid == uid;"
ADMIN = "return request.auth != null && request.auth.token.get('admin', false) == true;"
UID_OF_NOBODY = "The uid of nobody is looked for: an error, and an error denies."

_FIRESTORE: Mapping[str, Sequence[str]] = {
    "Every document's full path begins in the one way.": (
        "any name: databases → {any0}, column 10 of `match /databases/{database}/documents {`",
        "any name: documents → {any2}, column 31 of `match /databases/{database}/documents {`",
    ),
    UID_OF_NOBODY: (f"dropped: request.auth != null → true, column 14 of `{SIGNED_IN}`",),
    "The token of nobody is looked for: an error, and an error denies.": (
        f"dropped: request.auth != null → true, column 14 of `{ADMIN}`",
    ),
    "What is no map has no get(), which is asked for next: an error, and an error denies.": (
        "dropped: document.input is map → true, column 14 of `&& document.input is map`",
    ),
    "A request that writes nothing has no request.resource, and owners read anyway.": tuple(
        f"also {verb}: create → create, {verb}, column 13 of `allow create: if isOwner(uid)`"
        for verb in ("get", "list", "delete")
    ),
    "A request that writes nothing has no request.resource, and owners delete anyway.": tuple(
        f"also {verb}: create, update → create, update, {verb}, column 13 of "
        "`allow create, update: if isOwner(uid)`"
        for verb in ("get", "list", "delete")
    ),
    "A request that makes or removes a document lacks one of the two; owners read anyway.": tuple(
        f"also {verb}: update → update, {verb}, column 13 of "
        "`allow update: if isOwner(uid) && isCancellation(resource.data, request.resource.data);`"
        for verb in ("get", "list", "create", "delete")
    ),
    "There is no resource yet when one is made, and owners read anyway.": tuple(
        f"also {verb}: delete → delete, {verb}, column 13 of "
        "`allow delete: if isOwner(uid) && isFinished(resource.data);`"
        for verb in ("get", "list", "create")
    ),
}
_STORAGE: Mapping[str, Sequence[str]] = {
    "Every file's full path begins in the one way.": (
        "any name: b → {any0}, column 10 of `match /b/{bucket}/o {`",
        "any name: o → {any2}, column 21 of `match /b/{bucket}/o {`",
    ),
    UID_OF_NOBODY: (f"dropped: request.auth != null → true, column 14 of `{SIGNED_IN}`",),
    "The emulator asks for a listing at the folder's own path, which is none of this match.": (
        "not list: get, list → get, column 13 of `allow get, list: if isOwner(uid);` (2)",
    ),
    "Owners read anyway; what is changed or removed is there, and `resource == null` is false.": (
        tuple(
            f"also {verb}: create → create, {verb}, column 13 of `allow create: if isOwner(uid) "
            "&& mayBegin() && resource == null && !name.matches('[.]+')`"
            for verb in ("get", "list", "update", "delete")
        )
    ),
}


def _by_name(reasons: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    return {name: reason for reason, names in reasons.items() for name in names}


#: File → the mutant's name → the reason.
EQUIVALENT: Mapping[str, Mapping[str, str]] = {
    "firestore.rules": _by_name(_FIRESTORE),
    "storage.rules": _by_name(_STORAGE),
}
