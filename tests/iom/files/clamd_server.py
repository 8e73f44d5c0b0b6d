"""The other side: a server that speaks clamd's protocol and has its limits. It finds the test virus, also in archives."""

import socket
import struct
import threading
import zipfile
from io import BytesIO

from .making import EICAR


class Clamd:
    """As clamd behaves: PING, VERSION and INSTREAM; what lies beyond its limits it skips, or says so (AlertExceedsMax)."""

    def __init__(self, folder, *, stream=100 << 20, scan=400 << 20, parts=10_000, alerts=False, over="unix"):
        self.stream, self.scan, self.parts, self.alerts = stream, scan, parts, alerts
        self.answers: list[str] = []
        self.seen: list[bytes] = []
        self.says: list[str] = []  # answers that it gives before it looks, one for each stream
        if over == "unix":
            path = folder / "clamd.sock"
            self.line = socket.socket(socket.AF_UNIX)
            self.line.bind(str(path))
            self.address = f"unix://{path}"
        else:
            self.line = socket.socket()
            self.line.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{self.line.getsockname()[1]}"
        self.line.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def stop(self):
        # Wakes the thread that waits for somebody to come.
        self.line.shutdown(socket.SHUT_RDWR)
        self.line.close()
        self.thread.join(10)

    def _serve(self):
        while True:
            try:
                connection, _ = self.line.accept()
            except OSError:
                return
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    continue

    def _talk(self, connection):
        command = _until_nul(connection)
        if command == b"zPING":
            connection.sendall(b"PONG\0")
        elif command == b"zINSTREAM":
            content = self._streamed(connection)
            answer = "INSTREAM size limit exceeded. ERROR" if content is None else self._look(content)
            self.answers.append(answer)
            connection.sendall(answer.encode() + b"\0")
        else:
            connection.sendall(b"UNKNOWN COMMAND\0")

    def _streamed(self, connection):
        content = bytearray()
        while size := struct.unpack("!L", _exactly(connection, 4))[0]:
            content += _exactly(connection, size)
            if len(content) > self.stream:
                return None
        return bytes(content)

    def _look(self, content):
        self.seen.append(content)
        if self.says:
            return self.says.pop(0)
        beyond = False
        if content.startswith(b"PK"):
            scanned = 0
            with zipfile.ZipFile(BytesIO(content)) as archive:
                for number, entry in enumerate(archive.infolist(), start=1):
                    scanned += entry.file_size
                    if number > self.parts or scanned > self.scan:
                        beyond = True
                    elif entry.file_size < 10_000 and EICAR in archive.read(entry):
                        return "stream: Eicar-Test-Signature FOUND"
        elif EICAR in content:
            return "stream: Eicar-Test-Signature FOUND"
        return "stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND" if beyond and self.alerts else "stream: OK"


def _until_nul(connection):
    said = b""
    while not said.endswith(b"\0"):
        more = connection.recv(1)
        if not more:
            break
        said += more
    return said.rstrip(b"\0")


def _exactly(connection, size):
    got = bytearray()
    while len(got) < size:
        more = connection.recv(size - len(got))
        if not more:
            raise OSError("hung up")
        got += more
    return bytes(got)
