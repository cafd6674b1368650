"""What is done to documents, as the deny matrix tries it."""

from enum import StrEnum

from tests.rules.matrix.case import Case


class Does(StrEnum):
    CREATE = "creates"
    GET = "reads"
    LIST = "lists"
    #: By its name, among the documents beside it.
    FIND = "finds"
    #: Every collection of that name below any document.
    QUERY_GROUP = "searches everybody's"
    UPDATE = "updates"
    #: Whatever was there: `set()` without merge.
    REPLACE = "sets anew"
    #: A field, by writing the document without it.
    REMOVE = "takes away"
    DELETE = "deletes"


DocumentCase = Case[Does]
