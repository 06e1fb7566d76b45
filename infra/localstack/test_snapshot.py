"""Snapshot and restore: `python -m unittest` in this folder, with the Python of LocalStack's environment."""

import logging
import pickle
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from localstack.services.s3.models import S3Bucket, S3Multipart, S3Object, S3Part, S3Store, VersionedKeyStore, s3_stores

from blobs import BlobDirectory, Extent
from snapshot import Snapshots
from storage import FileObjectStore

ACCOUNT, REGION = "000000000000", "us-east-1"
DEADLINE_SECONDS = 20.0


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"not after {DEADLINE_SECONDS:.0f} s: {what}")
        time.sleep(0.02)


class SnapshotTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = Path(folder.name)
        self.state = self.data / "state.pickle"
        # A test that makes a file unreadable has it reported; that belongs to no report of the tests.
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.addCleanup(s3_stores.reset)
        self.start()

    def start(self) -> None:
        """As a new process: nothing is in memory, and what is on disk is restored."""
        s3_stores.reset()
        self.directory = BlobDirectory(self.data / "blobs")
        self.objects = FileObjectStore(self.directory)
        self.snapshots = Snapshots(self.state, self.directory)
        self.snapshots.restore()
        self.snapshots.start()
        self.addCleanup(self.snapshots.close)

    def restart(self) -> None:
        self.snapshots.close()
        self.start()

    def store(self) -> S3Store:
        return s3_stores[ACCOUNT][REGION]

    def add_bucket(self, name: str = "exports") -> S3Bucket:
        bucket = S3Bucket(name=name, account_id=ACCOUNT, bucket_region=REGION, owner={"ID": ACCOUNT})
        self.store().buckets[name] = bucket
        return bucket

    def bucket(self, name: str = "exports") -> S3Bucket:
        bucket: S3Bucket = self.store().buckets[name]
        return bucket

    def put(self, bucket: S3Bucket, key: str, content: bytes) -> S3Object:
        item = S3Object(key=key)
        self.write(bucket, item, content)
        bucket.objects.set(key, item)
        return item

    def write(self, bucket: S3Bucket, item: S3Object, content: bytes) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            with self.objects.open(bucket.name, item, "w") as stored:
                stored.write(file)

    def item(self, key: str) -> S3Object:
        item = self.bucket().objects.get(key)
        assert isinstance(item, S3Object)
        return item

    def read(self, item: S3Object) -> bytes:
        stored = self.objects.open("exports", item)
        try:
            return stored.read()
        finally:
            stored.close()

    def content(self, key: str) -> bytes:
        return self.read(self.item(key))

    def files(self) -> set[str]:
        return set(self.directory.sizes())

    def test_an_object_is_there_after_a_restart(self) -> None:
        self.put(self.add_bucket(), "a.csv", b"1,2\n" * 200_000)
        self.restart()
        self.assertEqual(self.content("a.csv"), b"1,2\n" * 200_000)
        self.assertEqual(self.item("a.csv").size, 800_000)

    def test_an_object_without_bytes_is_there_after_a_restart(self) -> None:
        self.put(self.add_bucket(), "empty", b"")
        self.restart()
        self.assertEqual(self.content("empty"), b"")

    def test_an_upload_and_its_parts_are_there_after_a_restart(self) -> None:
        bucket = self.add_bucket()
        upload = S3Multipart(key="big.csv")
        bucket.multiparts[upload.id] = upload
        part = S3Part(part_number=1)
        with tempfile.TemporaryFile() as file:
            file.write(b"part")
            file.seek(0)
            with self.objects.get_multipart(bucket.name, upload).open(part, "w") as stored:
                stored.write(file)
        upload.parts[1] = part
        upload_id = upload.id
        self.restart()
        restored = self.bucket().multiparts[upload_id]
        self.assertEqual(list(restored.parts), [1])
        with self.objects.get_multipart("exports", restored).open(restored.parts[1]) as stored:
            self.assertEqual(stored.read(), b"part")

    def test_all_versions_of_a_key_are_there_after_a_restart(self) -> None:
        bucket = self.add_bucket()
        bucket.objects = VersionedKeyStore()
        for version, content in (("v1", b"old"), ("v2", b"new")):
            item = S3Object(key="a", version_id=version)
            self.write(bucket, item, content)
            bucket.objects.set("a", item)
        self.restart()
        versions = self.bucket().objects.values(with_versions=True)
        read = {item.version_id: self.read(item) for item in versions if isinstance(item, S3Object)}
        self.assertEqual(read, {"v1": b"old", "v2": b"new"})

    def test_the_file_of_a_deleted_object_goes_only_after_the_snapshot(self) -> None:
        bucket = self.add_bucket()
        self.put(bucket, "kept", b"kept")
        self.put(bucket, "deleted", b"deleted")
        self.snapshots.changed()
        wait_until(lambda: self.state.exists() and b"deleted" in self.state.read_bytes(), "the snapshot names it")
        self.assertEqual(len(self.files()), 2)
        before = self.state.stat().st_ino
        bucket.objects.pop("deleted")
        self.snapshots.changed()
        wait_until(lambda: len(self.files()) == 1, "its file is removed")
        self.assertNotEqual(self.state.stat().st_ino, before)
        self.assertNotIn(b"deleted", self.state.read_bytes())
        self.restart()
        self.assertEqual(self.content("kept"), b"kept")

    def test_an_overwritten_object_keeps_only_its_new_bytes(self) -> None:
        bucket = self.add_bucket()
        self.put(bucket, "a", b"first")
        self.put(bucket, "a", b"second")
        self.restart()
        self.assertEqual(self.content("a"), b"second")
        self.assertEqual(len(self.files()), 1)

    def test_a_file_that_no_snapshot_names_is_removed_at_the_start(self) -> None:
        self.put(self.add_bucket(), "a", b"a")
        self.snapshots.close()
        (self.directory.path / ("0" * 24)).write_bytes(b"of a process that was killed")
        self.start()
        self.assertEqual(len(self.files()), 1)
        self.assertEqual(self.content("a"), b"a")

    def test_an_object_whose_bytes_are_incomplete_is_dropped(self) -> None:
        bucket = self.add_bucket()
        self.put(bucket, "whole", b"whole")
        broken = self.put(bucket, "broken", b"broken")
        extents: tuple[Extent, ...] = vars(broken)["extents"]
        file = self.directory.path / extents[0].blob.name
        self.snapshots.close()
        file.write_bytes(b"bro")
        self.start()
        self.assertEqual(self.content("whole"), b"whole")
        self.assertEqual([item.key for item in self.bucket().objects.values()], ["whole"])

    def test_an_unreadable_snapshot_is_kept_and_the_store_starts_empty(self) -> None:
        self.put(self.add_bucket(), "a", b"a")
        self.snapshots.close()
        content = bytearray(self.state.read_bytes())
        content[-1] ^= 1
        self.state.write_bytes(content)
        self.start()
        self.assertEqual(dict(self.store().buckets), {})
        self.assertEqual(self.state.with_suffix(".unreadable").read_bytes(), content)
        self.assertEqual(len(list((self.data / "blobs.unreadable").iterdir())), 1)
        self.assertEqual(self.files(), set())

    def test_a_snapshot_of_another_version_of_localstack_is_not_read(self) -> None:
        self.put(self.add_bucket(), "a", b"a")
        self.snapshots.close()
        header, _, body = self.state.read_bytes().partition(b"\n")
        pickle.loads(body)
        self.state.write_bytes(header.replace(b'"localstack": "', b'"localstack": "0.') + b"\n" + body)
        self.start()
        self.assertEqual(dict(self.store().buckets), {})
        self.assertTrue(self.state.with_suffix(".unreadable").exists())


if __name__ == "__main__":
    unittest.main()
