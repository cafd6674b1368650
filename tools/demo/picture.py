"""Fetches the finished files by the URLs in the document, as an app would, and saves them."""

from pathlib import Path
from typing import Any

import httpx

DOWNLOAD_TIMEOUT_SECONDS = 60.0


def save_files(output: dict[str, Any], directory: Path, name: str) -> list[Path]:
    """Write every file of `output` below `directory`; returns the paths. Raises httpx errors."""
    directory.mkdir(parents=True, exist_ok=True)
    saved = []
    for index, file in enumerate(output["files"]):
        response = httpx.get(file["url"], timeout=DOWNLOAD_TIMEOUT_SECONDS).raise_for_status()
        extension = Path(file["storage_path"]).suffix
        path = directory / f"{name}-{index}{extension}"
        path.write_bytes(response.content)
        saved.append(path)
    return saved
