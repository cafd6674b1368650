"""What torch's compiler made, in a file for the next start of the same models on such a device.

A file is good for one key: a model and its revision, precision, versions of torch and Python, and
the device's name. It holds programs, and pickles: loading one that somebody else wrote would run
it. So one that others may write is not touched, any more than one that is damaged or another key's.
"""

import hashlib
import json
import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import torch

LOG = logging.getLogger(__name__)

#: At the beginning of a file; another form has another name.
FORM = b"emberframe compiled 1\n"
SUFFIX = ".compiled"
DIGEST_BYTES = hashlib.sha256().digest_size


class KeptCompilations:
    def __init__(
        self, folder: Path, key: Mapping[str, str], *, others: tuple[Path, ...] = ()
    ) -> None:
        """`others` are folders to load from where `folder` has nothing: an image's."""
        self._key = json.dumps(dict(key), sort_keys=True).encode()
        self._name = hashlib.sha256(self._key).hexdigest()[:32] + SUFFIX
        self._folder = folder
        self._places = (folder, *others)

    @property
    def file(self) -> Path:
        """Where it is saved."""
        return self._folder / self._name

    def load(self) -> bool:
        """Give the first file of ours to the compiler. False, with a line in the log if there was
        one that cannot be used, when there is none."""
        for place in self._places:
            file = place / self._name
            if not file.exists():
                continue
            try:
                made = self._read(file)
            except (OSError, ValueError) as error:
                LOG.warning("%s is not used: %s", file, error)
                continue
            try:
                known = torch.compiler.load_cache_artifacts(made) is not None
            except Exception:  # noqa: BLE001 - whatever it is, compiling anew helps
                known = False
            if not known:
                LOG.warning("%s is not used: this torch cannot read it", file)
                continue
            LOG.info("compilations of an earlier start are loaded from %s", file)
            return True
        return False

    def save(self) -> bool:
        """All that was compiled so far. False, with a line in the log, when that does not work."""
        made = torch.compiler.save_cache_artifacts()
        if made is None:
            return False
        content, _ = made
        fresh = self.file.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256(content).digest()
            fresh.write_bytes(FORM + self._key + b"\n" + digest + content)
            fresh.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
            fresh.replace(self.file)
        except OSError as error:
            LOG.warning("compilations are not kept in %s: %s", self._folder, error.strerror)
            return False
        return True

    def _read(self, file: Path) -> bytes:
        """Raises `ValueError` that says what is wrong with it."""
        for it in (file, file.parent):
            about = it.stat()
            if about.st_uid not in (os.geteuid(), 0):
                raise ValueError(
                    f"{it} belongs to user {about.st_uid}, who is neither ours nor root"
                )
            if about.st_mode & stat.S_IWOTH:
                raise ValueError(f"everybody may write to {it}")
        content = file.read_bytes()
        head = FORM + self._key + b"\n"
        if not content.startswith(head):
            raise ValueError("it was made for something else")
        digest, made = content[len(head) :][:DIGEST_BYTES], content[len(head) + DIGEST_BYTES :]
        if hashlib.sha256(made).digest() != digest:
            raise ValueError("it is damaged")
        return made
