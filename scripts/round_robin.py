"""A proxy for tests and the bench: each connection goes to the next web process, whoever comes with it.

On servers that is Caddy's work (deploy/Caddyfile).
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from socketserver import BaseRequestHandler, ThreadingTCPServer

CHUNK = 65_536


class RoundRobin(ThreadingTCPServer):
    """Listens on a port of this machine and passes on to `ports` in turn; one that does not answer is left out."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__(("127.0.0.1", 0), _PassOn)
        self.port = int(self.server_address[1])
        self.ports, self.served = ports, Counter[int]()
        self._turns, self._lock = cycle(ports), threading.Lock()

    def connected(self) -> socket.socket | None:
        """A connection to the next web process that takes one."""
        for _ in self.ports:
            with self._lock:
                port = next(self._turns)
            with suppress(OSError):
                there = socket.create_connection(("127.0.0.1", port))
                with self._lock:
                    self.served[port] += 1
                return there
        return None


class _PassOn(BaseRequestHandler):
    server: RoundRobin

    def handle(self) -> None:
        there = self.server.connected()
        if there is not None:
            with there, selectors.DefaultSelector() as waiting, suppress(OSError):
                waiting.register(self.request, selectors.EVENT_READ, (self.request, there))
                waiting.register(there, selectors.EVENT_READ, (there, self.request))
                while all(_copied(*key.data) for key, _ in waiting.select()):
                    pass


def _copied(source: socket.socket, target: socket.socket) -> bool:
    """Pass on what is there; False when that side has ended."""
    some = source.recv(CHUNK)
    target.sendall(some)
    return bool(some)


@contextmanager
def before(ports: Sequence[int]) -> Iterator[RoundRobin]:
    """The proxy, in threads of its own, for as long as it is needed."""
    with RoundRobin(ports) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.1}, name="round robin")
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
