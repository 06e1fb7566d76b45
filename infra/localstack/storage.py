"""LocalStack's S3 storage interface over blobs: what the provider calls to read and write the bytes of an object.

The metadata names the bytes: `extents`, set here on `S3Object` and `S3Part`, is pickled with them, so a snapshot cannot
pair an object with the bytes of another version. What is overwritten or deleted is only dropped, never changed, so
readers need no lock. Writers of one key take turns: the provider checks `If-None-Match` while it holds the handle.
"""

import base64
import hashlib
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from itertools import accumulate
from typing import IO, Any, BinaryIO, Literal
from weakref import WeakValueDictionary

from localstack.aws.api import RequestContext
from localstack.aws.api.s3 import BucketName, CompleteMultipartUploadOutput, ObjectKey
from localstack.services.s3.models import S3Multipart, S3Object, S3Part
from localstack.services.s3.provider import S3Provider
from localstack.services.s3.storage.core import S3ObjectStore, S3StoredMultipart, S3StoredObject
from localstack.services.s3.utils import ChecksumHash, ObjectRange, get_s3_checksum

from blobs import BlobDirectory, Extent, slice_extents

Mode = Literal["r", "w"]

# LocalStack's own 64 KiB costs four times as many hand-overs between worker and network thread on a download.
CHUNK_BYTES = 256 * 1024


class StoredObject(S3StoredObject):
    """A handle on the bytes of one object or part."""

    def __init__(
        self,
        directory: BlobDirectory,
        s3_object: S3Object | S3Part,
        mode: Mode,
        writers: AbstractContextManager[Any] | None = None,
    ) -> None:
        super().__init__(s3_object, mode)
        self._directory = directory
        self._writers = writers or nullcontext()
        self._writers.__enter__()
        self._position = 0
        self._file: BinaryIO | None = None
        self._file_index = -1
        self._etag: str | None = None
        self._checksum: str | None = None
        self._use(_extents_of(s3_object))

    def _use(self, extents: tuple[Extent, ...]) -> None:
        self._extents = extents
        self._ends = list(accumulate(extent.size for extent in extents))
        self.size = self._ends[-1] if extents else 0

    def assign(self, extents: tuple[Extent, ...]) -> None:
        """Make `extents` the content."""
        self._use(extents)
        self.s3_object.extents = extents  # type: ignore[attr-defined]
        self.s3_object.size = self.size
        self.s3_object.internal_last_modified = time.time_ns()

    def write(self, stream: "IO[bytes] | StoredObject | None") -> int:  # type: ignore[override]
        """Replace the content by what `stream` gives; the hashes are taken on the way. Returns the bytes written."""
        source = BytesIO() if stream is None else stream
        md5, checksum = hashlib.md5(usedforsecurity=False), self._new_checksum()
        blob, file = self._directory.create()
        with file:
            while data := source.read(CHUNK_BYTES):
                file.write(data)
                blob.size += len(data)
                md5.update(data)
                if checksum:
                    checksum.update(data)
        self.assign((Extent(blob, 0, blob.size),) if blob.size else ())
        self._etag = self.s3_object.etag = md5.hexdigest()
        self._checksum = _encoded(checksum)
        return self.size

    def append(self, part: "StoredObject") -> int:  # type: ignore[override]
        """Add the content of `part` at the end, without copying it."""
        self.assign(self._extents + part._extents)
        return part.size

    def read(self, s: int = -1) -> bytes:
        """At most `s` bytes; fewer at the end of an extent."""
        if s < 0:
            return b"".join(self)
        if self._position >= self.size:
            return b""
        index = bisect_right(self._ends, self._position)
        extent = self._extents[index]
        if self._file is None or index != self._file_index:
            self._close_file()
            self._file, self._file_index = self._directory.open(extent.blob), index
        left = self._ends[index] - self._position
        data = os.pread(self._file.fileno(), min(s, left), extent.start + extent.size - left)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read(CHUNK_BYTES):
            yield data

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._close_file()
            self._writers.__exit__(None, None, None)

    def _close_file(self) -> None:
        if self._file:
            self._file.close()

    @property
    def last_modified(self) -> int:
        return self.s3_object.internal_last_modified

    @property
    def etag(self) -> str:
        if not self._etag:
            md5 = hashlib.md5(usedforsecurity=False)
            self._feed(md5)
            self._etag = md5.hexdigest()
        return self._etag

    @property
    def checksum(self) -> str | None:
        if not self._checksum and (checksum := self._new_checksum()):
            self._feed(checksum)
            self._checksum = _encoded(checksum)
        return self._checksum

    def _new_checksum(self) -> ChecksumHash | None:
        algorithm = self.s3_object.checksum_algorithm
        return get_s3_checksum(algorithm) if algorithm else None

    def _feed(self, checksum: ChecksumHash) -> None:
        position, self._position = self._position, 0
        for data in self:
            checksum.update(data)
        self._position = position


class StoredMultipart(S3StoredMultipart):
    """The parts of one upload. It has no state of its own: the bytes hang on the `S3Part`s."""

    _s3_store: "FileObjectStore"

    def open(self, s3_part: S3Part, mode: Mode = "r") -> StoredObject:
        return StoredObject(self._s3_store.directory, s3_part, mode)

    def remove_part(self, s3_part: S3Part) -> None:
        """Nothing to do: the rejected part is about to be dropped with its bytes, an earlier one stays valid."""

    def complete_multipart(self, parts: list[S3Part]) -> None:  # type: ignore[override]
        with self._s3_store.open(self.bucket, self.s3_multipart.object, "w") as whole:
            # A completion that failed after this point may be tried again.
            whole.assign(tuple(extent for part in parts for extent in _extents_of(part)))

    def copy_from_object(
        self, s3_part: S3Part, src_bucket: BucketName, src_s3_object: S3Object, range_data: ObjectRange | None
    ) -> None:
        extents = _extents_of(src_s3_object)
        if range_data:
            extents = slice_extents(extents, range_data.begin, range_data.content_length)
        with self.open(s3_part, "w") as stored:
            stored.assign(extents)
            s3_part.etag = stored.etag
            if s3_part.checksum_algorithm:
                s3_part.checksum_value = stored.checksum

    def close(self) -> None:
        """Nothing to do: dropping the `S3Part`s drops the bytes."""


class FileObjectStore(S3ObjectStore):
    def __init__(self, directory: BlobDirectory) -> None:
        self.directory = directory
        self._locks: WeakValueDictionary[tuple[BucketName, ObjectKey], AbstractContextManager[Any]] = WeakValueDictionary()
        self._locks_guard = threading.Lock()

    def writers(self, bucket: BucketName, key: ObjectKey) -> AbstractContextManager[Any]:
        """The lock that those who write the key hold in turn. A thread may take it again."""
        with self._locks_guard:
            return self._locks.setdefault((bucket, key), threading.RLock())

    def open(self, bucket: BucketName, s3_object: S3Object, mode: Mode = "r") -> StoredObject:
        if mode == "r":
            return StoredObject(self.directory, s3_object, mode)
        return StoredObject(self.directory, s3_object, mode, self.writers(bucket, s3_object.key))

    def remove(self, bucket: BucketName, s3_object: S3Object | list[S3Object]) -> None:
        """Nothing to do: the provider drops the object, and its bytes go with it."""

    def copy(
        self, src_bucket: BucketName, src_object: S3Object, dest_bucket: BucketName, dest_object: S3Object
    ) -> StoredObject:
        copied = self.open(dest_bucket, dest_object, "w")
        copied.assign(_extents_of(src_object))
        return copied

    def get_multipart(self, bucket: BucketName, upload_id: S3Multipart) -> StoredMultipart:
        return StoredMultipart(self, bucket, upload_id)

    def remove_multipart(self, bucket: BucketName, s3_multipart: S3Multipart) -> None:
        """Nothing to do: the provider drops the upload, and the bytes of its parts go with it."""


class Provider(S3Provider):
    _storage_backend: FileObjectStore

    def complete_multipart_upload(  # type: ignore[override]
        self, context: RequestContext, bucket: BucketName, key: ObjectKey, **parameters: Any
    ) -> CompleteMultipartUploadOutput:
        # Upstream checks If-None-Match long before it sets the object: of two completions at once both would win.
        with self._storage_backend.writers(bucket, key):
            return super().complete_multipart_upload(context, bucket, key, **parameters)


def _extents_of(item: S3Object | S3Part) -> tuple[Extent, ...]:
    """The bytes of an object or part; none if nothing was written to it yet."""
    extents: tuple[Extent, ...] = getattr(item, "extents", ())
    return extents


def _encoded(checksum: ChecksumHash | None) -> str | None:
    return base64.b64encode(checksum.digest()).decode() if checksum else None
