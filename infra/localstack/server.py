"""LocalStack's gateway on Twisted, with our storage below its S3 provider."""

import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from localstack import config
from localstack.aws.api import RequestContext
from localstack.aws.app import LocalstackAwsGateway
from localstack.http import Response
from localstack.services.plugins import SERVICE_PLUGINS, Service
from rolo.gateway import HandlerChain
from rolo.serving.twisted import TwistedGateway
from twisted.internet import reactor
from twisted.internet.error import CannotListenError
from twisted.logger import STDLibLogObserver, globalLogBeginner

from blobs import BlobDirectory
from pacing import pace_responses
from signed_only import require_signature
from snapshot import Snapshots
from storage import FileObjectStore, Provider

# Requests still running this long after a stop was asked for are cut off.
STOP_SECONDS = 2.0
READ_METHODS = {"GET", "HEAD", "OPTIONS"}


def serve(host: str, port: int, data: Path, parent: int | None) -> NoReturn:
    """Serve what `data` holds until SIGTERM, SIGINT or the end of process `parent`."""
    directory = BlobDirectory(data / "blobs")
    snapshots = Snapshots(data / "state.pickle", directory)
    snapshots.restore()
    snapshots.start()

    # The health answer looks for LocalStack's edition there.
    Path(config.dirs.static_libs).mkdir(parents=True, exist_ok=True)
    # Without an observer Twisted keeps its last 65,536 log events, one a request.
    globalLogBeginner.beginLoggingTo(
        [STDLibLogObserver()],  # type: ignore[list-item]
        discardBuffer=True,
        redirectStandardIO=False,
    )
    pace_responses()
    try:
        reactor.listenTCP(port, TwistedGateway(_gateway(directory, snapshots)), backlog=512, interface=host)
    except CannotListenError as error:
        sys.exit(f"s3: {error}")
    reactor.suggestThreadPoolSize(config.GATEWAY_WORKER_COUNT)
    _stop_on(snapshots, parent)
    gc.freeze()
    gc.enable()
    reactor.run(installSignalHandlers=False)
    snapshots.close()
    # At once: while the interpreter winds up, a second SIGTERM would end it with another exit code.
    os._exit(0)


def _gateway(directory: BlobDirectory, snapshots: Snapshots) -> LocalstackAwsGateway:
    SERVICE_PLUGINS.add_service(Service.for_provider(Provider(FileObjectStore(directory))))
    SERVICE_PLUGINS.require("s3")

    def after_request(_chain: HandlerChain[RequestContext], context: RequestContext, _response: Response) -> None:
        # Its traceback is a reference cycle through the frames, which would hold the object's bytes for minutes.
        context.service_exception = None
        if context.request.method not in READ_METHODS:
            snapshots.changed()

    gateway = LocalstackAwsGateway(SERVICE_PLUGINS)
    gateway.request_handlers.insert(0, require_signature)  # type: ignore[arg-type]
    # Finalizers run before the client gets the answer.
    gateway.finalizers.append(after_request)  # type: ignore[arg-type]
    return gateway


def _stop_on(snapshots: Snapshots, parent: int | None) -> None:
    def cut_off() -> None:
        time.sleep(STOP_SECONDS)
        snapshots.close()
        os._exit(0)

    def stop(*_signal: object) -> None:
        threading.Thread(target=cut_off, daemon=True).start()
        reactor.callFromThread(reactor.stop)

    def watch_parent(pid: int) -> None:
        # A dead direct parent shows in getppid even while it is a zombie.
        is_direct = os.getppid() == pid
        while os.getppid() == pid if is_direct else _exists(pid):
            time.sleep(1)
        stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if parent:
        threading.Thread(target=watch_parent, args=(parent,), daemon=True).start()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
