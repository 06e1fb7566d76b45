"""Back-pressure on downloads.

Twisted's WSGI response takes all an application gives, as fast as it gives it: three stalled downloads of an 800 MB
object held 2.4 GB. Here each chunk waits until the connection has passed the previous one on.
"""

from rolo.serving import twisted
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.threads import blockingCallFromThread
from zope.interface import implementer


@implementer(IPushProducer)
class PacedResponse(twisted.HeaderPreservingWSGIResponse):
    """The connection's producer during each write: it is paused when the send buffer is full, resumed when empty."""

    _room: "Deferred[None] | None" = None

    def write(self, data: bytes) -> None:
        """Called in a worker thread, returns when the connection has room for more or is gone."""

        def write_in_reactor() -> "Deferred[None] | None":
            if self._requestFinished:
                return None
            if not self.started:
                self._sendResponseHeaders()  # type: ignore[no-untyped-call]
            self.request.registerProducer(self, True)
            self.request.write(data)
            if not self._room:
                self.request.unregisterProducer()
            return self._room

        try:
            blockingCallFromThread(self.reactor, write_in_reactor)
        finally:
            self.started = True

    def pauseProducing(self) -> None:
        self._room = self._room or Deferred()

    def resumeProducing(self) -> None:
        self.request.unregisterProducer()
        room, self._room = self._room, None
        if room:
            room.callback(None)

    def stopProducing(self) -> None:
        self.resumeProducing()


def pace_responses() -> None:
    """Call before the gateway is made."""
    twisted.HeaderPreservingWSGIResponse = PacedResponse  # type: ignore[misc]
