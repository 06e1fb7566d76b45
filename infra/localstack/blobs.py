"""The bytes of S3 objects, as files that are written once and never changed.

A `Blob` is one such file. Objects, parts and running downloads hold it through `Extent`s, so copying an object,
copying a range into a part and completing a multipart upload move references, not bytes.

Deleting is left to reference counting. When nothing in memory holds a blob any longer, its name goes to
`Blob.released`, and the snapshot thread removes the file once a snapshot that cannot name it is on disk (see
`snapshot.py`). So a kill at any moment leaves every file the last snapshot names; what it does not name is removed at
the next start.
"""

import os
import secrets
import shutil
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, ClassVar, NamedTuple


class Blob:
    """One immutable file. The name is never used again."""

    __slots__ = ("name", "size")

    # Shared by all blobs of the process, like LocalStack's own `s3_stores`. A SimpleQueue, since `put` is safe inside
    # `__del__`, where taking any lock could deadlock. None in it stands for "the metadata has changed".
    released: ClassVar[SimpleQueue[str | None]] = SimpleQueue()

    def __init__(self, name: str, size: int = 0) -> None:
        self.name = name
        self.size = size

    def __reduce__(self) -> tuple[type["Blob"], tuple[str, int]]:
        return Blob, (self.name, self.size)

    def __del__(self) -> None:
        Blob.released.put(self.name)


class Extent(NamedTuple):
    """`size` bytes of a blob from `start` on."""

    blob: Blob
    start: int
    size: int


def slice_extents(extents: tuple[Extent, ...], begin: int, size: int) -> tuple[Extent, ...]:
    """The extents of `size` bytes from `begin` on, both counted over all `extents`."""
    sliced = []
    end, position = begin + size, 0
    for blob, start, length in extents:
        first, last = max(begin, position), min(end, position + length)
        if first < last:
            sliced.append(Extent(blob, start + first - position, last - first))
        position += length
    return tuple(sliced)


class BlobDirectory:
    """The folder that holds the files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def create(self) -> tuple[Blob, BinaryIO]:
        """A new blob and its file, open for writing. The caller sets `size` when all is written."""
        blob = Blob(secrets.token_hex(12))
        return blob, open(self.path / blob.name, "xb")

    def open(self, blob: Blob) -> BinaryIO:
        return open(self.path / blob.name, "rb", buffering=0)

    def sizes(self) -> dict[str, int]:
        """The size of every file there is, by name."""
        return {entry.name: entry.stat().st_size for entry in os.scandir(self.path)}

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Start over with an empty folder; the old one is kept as `*.unreadable`, in place of an earlier such one."""
        kept = self.path.with_suffix(".unreadable")
        shutil.rmtree(kept, ignore_errors=True)
        self.path.replace(kept)
        self.path.mkdir()
