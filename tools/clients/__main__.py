"""`python -m tools.clients`: writes the schemas and the models into `clients/`."""

import json
import sys
from pathlib import Path

from shared.request import VIDEO_SIZES
from tools.clients.models import build_models
from tools.clients.schema import build_schemas

CLIENTS = Path(__file__).resolve().parents[2] / "clients"
#: Pairs of width and height, the default first, which a JSON Schema does not say; for the web app.
FILM_SIZES = Path("web/src/film-sizes.json")


def build_files() -> dict[Path, str]:
    """Path within `clients/` → what the file holds."""
    schemas = {
        Path("schema") / f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in build_schemas().items()
    }
    models = {Path(name): text for name, text in build_models().items()}
    return {**schemas, **models, FILM_SIZES: json.dumps(VIDEO_SIZES) + "\n"}


def main() -> int:
    for name, text in build_files().items():
        path = CLIENTS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
