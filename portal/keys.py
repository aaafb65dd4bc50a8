"""Key files: one key to a line, ``id:base64``, the newest first; old ones stay for reading."""

import base64
import contextlib
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


class KeyMissing(Exception):
    """No key of that id is in the file: the operator must put it back, nothing can be read without it."""


def new_key_line() -> str:
    """A fresh key with a random id, as one line of a key file."""
    return f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"


def make_once(path: Path, content: str) -> None:
    """Write ``content`` to ``path``, readable by the owner only, unless the file is there already.

    Two processes that start at once agree: the file appears whole, and the first one wins.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


class KeyRing:
    """The keys of one file. Reads it when first needed, and once more when an id is unknown."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys: dict[str, bytes] = {}

    def newest(self) -> tuple[str, bytes]:
        """The id and the key that new values are made with."""
        keys = self._keys or self._read()
        return next(iter(keys.items()))

    def get(self, key_id: str) -> bytes:
        """The key of that id; raises KeyMissing when the file does not hold it."""
        if key_id not in self._keys:
            self._read()
        try:
            return self._keys[key_id]
        except KeyError:
            raise KeyMissing(f"no key {key_id!r} in {self.path.name}") from None

    def _read(self) -> dict[str, bytes]:
        keys: dict[str, bytes] = {}
        for line in self.path.read_text().splitlines():
            key_id, _, encoded = line.strip().partition(":")
            if key_id and not key_id.startswith("#"):
                keys[key_id] = base64.b64decode(encoded, validate=True)
                if len(keys[key_id]) != KEY_BYTES:
                    raise KeyMissing(f"key {key_id!r} in {self.path.name} has not {KEY_BYTES} bytes")
        if not keys:
            raise KeyMissing(f"{self.path.name} holds no key")
        self._keys = keys
        return keys
