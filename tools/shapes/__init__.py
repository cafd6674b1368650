"""The embedded `shapes` model: the painted world it learns, its training, its export, its judge."""
