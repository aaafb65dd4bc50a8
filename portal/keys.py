"""Key files: one key to a line, ``id:base64``, the newest first; old ones stay for reading."""

import base64
import contextlib
import os
import re
import secrets
from pathlib import Path

KEY_BYTES = 32
# What the ids of keys begin with that were made by themselves, for development and the demo.
DEVELOPMENT = "dev-"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,16}")


class KeyMissing(Exception):
    """No key of that id is in the file: the operator must put it back, nothing can be read without it."""


def new_key_line(*, is_for_development: bool = False) -> str:
    """A fresh key with a random id, as one line of a key file. The id tells one that development made."""
    key_id = (DEVELOPMENT if is_for_development else "") + secrets.token_hex(4)
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"


def is_of_development(text: str) -> bool:
    """Whether a key file holds a key that development made, wherever it was copied to.

    Design decision: the mark is the id, not a comment or the path. The id goes where the key goes, because
    nothing that was sealed or signed with the key can be read without it.
    """
    return any(line.strip().startswith(DEVELOPMENT) for line in text.splitlines())


def make_once(path: Path, content: str) -> None:
    """Write ``content`` to ``path``, readable by the owner only, unless the file is there already.

    Two processes that start at once agree: the file appears whole, and the first one wins.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _write_draft(path, content)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    _keep_entry(path)


def replace(path: Path, content: str) -> None:
    """Put ``content`` in the place of what ``path`` held, at once: a reader sees the old file or the new one."""
    draft = _write_draft(path, content)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink()
        raise
    _keep_entry(path)


class KeyRing:
    """The keys of one file. Reads it again when it has changed, and once more when an id is unknown."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Both at once, so that no thread sees the keys of one file with the mark of another.
        self._known: tuple[tuple[int, ...], dict[str, bytes]] = ((), {})
        # A value that was read before its key was retired is still to be opened.
        self._seen: dict[str, bytes] = {}

    def newest(self) -> tuple[str, bytes]:
        """The id and the key that new values are made with: also when another process has just added it."""
        mark, keys = self._known
        if not keys or mark != self._mark():
            keys = self._read()
        return next(iter(keys.items()))

    def get(self, key_id: str) -> bytes:
        """The key of that id; raises KeyMissing when the file does not hold it."""
        key = self._seen.get(key_id) or self._read().get(key_id)
        if key is None:
            raise KeyMissing(f"no key {key_id[:16]!r} in {self.path.name}")
        return key

    def ids(self) -> list[str]:
        """The ids in the file, the newest first."""
        return list(self._read())

    def _mark(self) -> tuple[int, ...]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise KeyMissing(f"{self.path.name} cannot be read: {error.strerror}") from None
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _read(self) -> dict[str, bytes]:
        mark = self._mark()
        try:
            text = self.path.read_text()
        except (OSError, UnicodeDecodeError):
            raise KeyMissing(f"{self.path.name} cannot be read") from None
        keys: dict[str, bytes] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                key_id, key = self._parse(number, line)
                if key_id in keys:
                    raise KeyMissing(f"line {number} of {self.path.name} has an id that an earlier one has")
                keys[key_id] = key
        if not keys:
            raise KeyMissing(f"{self.path.name} holds no key")
        self._known = (mark, keys)
        self._seen = self._seen | keys
        return keys

    def forget(self) -> None:
        """Be as a process that has just begun, and has seen no key yet."""
        self._known, self._seen = ((), {}), {}

    def _parse(self, number: int, line: str) -> tuple[str, bytes]:
        key_id, _, encoded = line.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        # The message never holds the line itself: it may be nothing but key.
        if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
            raise KeyMissing(
                f"line {number} of {self.path.name} is not an id, a colon, and {KEY_BYTES} bytes in base64"
            )
        return key_id, key


def _write_draft(path: Path, content: str) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _keep_entry(path: Path) -> None:
    """A file's name is durable once its folder is: a key that is lost with the power takes all it sealed with it."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
