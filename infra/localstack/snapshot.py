"""The S3 metadata on disk: one file, replaced after changes, read at the start.

Promises
- A change that a client got an answer for is in the file about 0.3 s later, and always after an orderly stop.
- Whenever the process dies, the file is a whole snapshot and all bytes it names are there: a blob's file goes only
  after the snapshot that no longer names it has replaced the one that did.
- A file that cannot be used is kept as `*.unreadable`, with the blobs, and the store starts empty.

A snapshot is taken while requests run. Every container that they change is copied in one step (`dict(d)` does not let
other threads in) and uploads are copied before objects, so one that completes meanwhile is found as an upload, as an
object or as both, never as neither. Both share the bytes, which is harmless.
"""

import copyreg
import hashlib
import io
import json
import logging
import os
import pickle
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from typing import Any

from localstack.constants import VERSION
from localstack.services.s3.models import (
    KeyStore,
    S3Bucket,
    S3Multipart,
    VersionedKeyStore,
    s3_stores,
)
from localstack.services.stores import LOCAL_ATTR_PREFIX
from localstack.utils.tagging import TaggingService

from blobs import Blob, BlobDirectory

FORMAT = 1
DEBOUNCE_SECONDS = 0.3
RETRY_SECONDS = 1.0

State = dict[str, Any]

LOG = logging.getLogger(__name__)


def _copied(mapping: Mapping[str, Any]) -> State:
    """A copy of a mapping and of the plain dicts in it."""
    return {name: dict(value) if type(value) is dict else value for name, value in dict(mapping).items()}


def _reduce(instance: object) -> tuple[Any, ...]:
    return copyreg.__newobj__, (type(instance),), _copied(vars(instance))  # type: ignore[attr-defined]


def _reduce_versioned(store: VersionedKeyStore) -> tuple[Any, ...]:
    versions = defaultdict(dict, {key: dict(value) for key, value in dict(store._store).items()})
    return copyreg.__newobj__, (VersionedKeyStore,), {"_store": versions}  # type: ignore[attr-defined]


class _Pickler(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table | {
        **dict.fromkeys((S3Bucket, KeyStore, S3Multipart, TaggingService), _reduce),
        VersionedKeyStore: _reduce_versioned,
    }


def _capture() -> bytes:
    """The content of `s3_stores`, without the locks in it."""
    state = {
        "universal": _copied(s3_stores._universal),
        "accounts": {
            account: {
                "global": _copied(bundle._global),
                "regions": {
                    region: {k: v for k, v in dict(vars(store)).items() if k.startswith(LOCAL_ATTR_PREFIX)}
                    for region, store in dict(bundle).items()
                },
            }
            for account, bundle in dict(s3_stores).items()
        },
    }
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(state)
    return buffer.getvalue()


def _fill_stores(state: State) -> None:
    s3_stores._universal.update(state["universal"])
    for account, saved in state["accounts"].items():
        bundle = s3_stores[account]
        bundle._global.update(saved["global"])
        for region, attributes in saved["regions"].items():
            vars(bundle[region]).update(attributes)


def _header(body: bytes) -> State:
    return {"format": FORMAT, "localstack": VERSION, "sha256": hashlib.sha256(body).hexdigest()}


def _parse(content: bytes) -> State:
    """Raises whatever is wrong with the content."""
    first_line, _, body = content.partition(b"\n")
    header, expected = json.loads(first_line), _header(body)
    if header != expected:
        wrong = ", ".join(name for name in expected if header.get(name) != expected[name])
        raise ValueError(f"{wrong} not as expected")
    state: State = pickle.loads(body)
    return state


def _drop_incomplete(directory: BlobDirectory) -> int:
    """Drop objects and parts whose bytes are not all there (the machine lost power, say), and files that nothing names.

    Returns how many objects and parts were dropped.
    """
    sizes = directory.sizes()
    named: set[str] = set()

    def is_whole(item: object) -> bool:
        blobs = [extent.blob for extent in getattr(item, "extents", ())]
        named.update(blob.name for blob in blobs)
        return all(sizes.get(blob.name) == blob.size for blob in blobs)

    dropped = 0
    for _, _, store in s3_stores.iter_stores():
        for bucket in store.buckets.values():
            keys = bucket.objects._store
            versions = list(keys.values()) if isinstance(bucket.objects, VersionedKeyStore) else [keys]
            for items in [*versions, *(upload.parts for upload in bucket.multiparts.values())]:
                for broken in [name for name, item in items.items() if not is_whole(item)]:
                    del items[broken]
                    dropped += 1
            for key in [key for key, value in keys.items() if value == {}]:
                del keys[key]
    for name in sizes.keys() - named:
        directory.remove(name)
    return dropped


class Snapshots:
    """Keeps the file in step with `s3_stores`. One instance; `restore`, `start`, any `changed`, then `close`."""

    def __init__(self, path: Path, directory: BlobDirectory) -> None:
        self._path = path
        self._directory = directory
        self._closing = threading.Event()
        self._pause_seconds = DEBOUNCE_SECONDS
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def restore(self) -> None:
        """Fill the empty `s3_stores` from the file."""
        try:
            _fill_stores(_parse(self._path.read_bytes()))
        except FileNotFoundError:
            pass
        except Exception as error:
            s3_stores.reset()
            kept = self._path.with_suffix(".unreadable")
            self._path.replace(kept)
            self._directory.set_aside()
            LOG.error("cannot read the saved state (%s); starting empty, it is kept as %s", error, kept)
        if dropped := _drop_incomplete(self._directory):
            LOG.error("dropped %d objects or parts whose bytes are not all there", dropped)

    def start(self) -> None:
        self._thread.start()

    def changed(self) -> None:
        Blob.released.put(None)

    def close(self) -> None:
        """Save what has changed and stop. May be called from several threads: each returns when it is done."""
        self._closing.set()
        self.changed()
        self._thread.join()

    def _run(self) -> None:
        released: list[str] = []
        failing = False
        while True:
            released += self._changes()
            last = self._closing.is_set()
            try:
                self._save()
            except Exception as error:
                if not failing:
                    LOG.error("cannot save the state, trying again: %r", error)
                failing = True
                self._closing.wait(RETRY_SECONDS)
                self.changed()
            else:
                failing = False
                while released:
                    self._directory.remove(released.pop())
            if last:
                return

    def _changes(self) -> list[str]:
        """Wait for a change and for what follows at once. Returns the names of the blobs released until now."""
        names = [Blob.released.get()]
        self._closing.wait(self._pause_seconds)
        while True:
            try:
                names.append(Blob.released.get_nowait())
            except Empty:
                return [name for name in names if name]

    def _save(self) -> None:
        started = time.monotonic()
        body = _capture()
        # No request runs meanwhile (0.1 s with 10,000 objects): at most a quarter of the time goes into it.
        self._pause_seconds = max(DEBOUNCE_SECONDS, 3 * (time.monotonic() - started))
        temporary = self._path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            file.write(json.dumps(_header(body)).encode() + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
