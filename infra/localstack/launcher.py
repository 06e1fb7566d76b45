"""LocalStack's S3, without Docker: `python launcher.py --port 4566 --data DIR`.

Takes LocalStack's gateway and S3 provider and leaves out its runtime: that listens on every address whatever its
settings say, makes a certificate, starts a DNS server and imports what other services need. Here: one plain HTTP port on
127.0.0.1 (in a container: `--host`), files below DIR only, no other service, no calls outside. What it holds survives a
restart (`snapshot.py`).

Ready when `GET /_localstack/health` answers 200. SIGTERM and SIGINT stop it, exit code 0. With STREAMSYNC_PARENT_PID in
the environment it also stops when that process is gone.
"""

import argparse
import fcntl
import gc
import logging
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import IO

# How long to wait for a predecessor on the same DIR, which may still be noticing that its parent died.
LOCK_SECONDS = 10.0


def set_environment(host: str, port: int, data: Path) -> None:
    """LocalStack reads its settings when it is imported."""
    temporary = data / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    os.environ.update(
        SERVICES="s3",
        GATEWAY_LISTEN=f"{host}:{port}",
        LOCALSTACK_HOST=f"localhost:{port}",
        DISABLE_EVENTS="1",
        # What is signed by its query is checked, too.
        S3_SKIP_SIGNATURE_VALIDATION="0",
        LS_LOG="warning",
        # Inside a container too: else the directories below would be absolute ones.
        OVERRIDE_IN_DOCKER="0",
        FILESYSTEM_ROOT=str(data / "localstack"),
        CONFIG_DIR=str(data / "localstack"),
        XDG_CACHE_HOME=str(data / "cache"),
        # Twisted keeps request bodies there while they arrive.
        TMPDIR=str(temporary),
    )


def take_lock(data: Path) -> IO[str]:
    """Two processes on one DIR would remove each other's files. The lock goes with the process."""
    lock = open(data / "lock", "w")  # noqa: SIM115
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                sys.exit(f"s3: another process uses {data}")
            time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder for everything it writes")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--name", help="another name by which clients may ask for it")
    arguments = parser.parse_args()

    # Until the server takes over there is nothing to save.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    # No other user of the machine may read exports.
    os.umask(0o077)
    data = arguments.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    lock = take_lock(data)
    set_environment(arguments.host, arguments.port, data)

    # Nothing is written outside DIR: not next to these files, nor into the environment of the packages.
    sys.dont_write_bytecode = True
    # What the imports make stays: looking through it for garbage is a tenth of the start.
    gc.disable()
    # Only now, since these import LocalStack.
    from localstack.logging.setup import setup_logging

    from s3_only import limit_to_s3

    # Before the imports that it is to silence the warnings of.
    setup_logging(logging.WARNING)
    limit_to_s3()
    from server import serve
    from signed_only import allow_name

    if arguments.name:
        allow_name(arguments.name)

    parent = os.environ.get("STREAMSYNC_PARENT_PID")
    with lock:
        serve(arguments.host, arguments.port, data, int(parent) if parent else None)


if __name__ == "__main__":
    main()
