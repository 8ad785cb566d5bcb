"""Stands between a client and a server, passes everything on, and writes it into a capture.

So a capture of a real run needs no privilege. A thread of its own each; `close` ends it.
"""

import contextlib
import select
import socket
import threading
import time

from utp_pcap import TcpFlow

READ_SIZE = 1 << 16
TURN_SECONDS = 0.02


class Recorder:
    """What both kinds share: a port, a thread, a clock."""

    def __init__(self, capture, server_port):
        self.capture = capture
        self.server = ("127.0.0.1", server_port)
        self.start = time.monotonic()
        self.running = True
        self.listener = self._listen()
        self.port = self.listener.getsockname()[1]
        self.ports = (50000, server_port)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join(2.0)
        self.listener.close()

    def _tick(self):
        self.capture.now = (time.monotonic() - self.start) * 1000


class UdpRecorder(Recorder):
    """One client's datagrams."""

    def _listen(self):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("127.0.0.1", 0))
        return listener

    def _run(self):
        client = None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
            outward.bind(("127.0.0.1", 0))
            while self.running:
                ready, _, _ = select.select([self.listener, outward], [], [], TURN_SECONDS)
                self._tick()
                for side in ready:
                    # Who has gone says so at the next call; the other side will find out.
                    with contextlib.suppress(ConnectionRefusedError):
                        packet, sender = side.recvfrom(READ_SIZE)
                        from_client = side is self.listener
                        client = sender if from_client else client
                        # A capture may say that the packet is lost here.
                        if self.capture.udp(from_client, self.ports, packet) is False:
                            continue
                        if from_client:
                            outward.sendto(packet, self.server)
                        elif client:
                            self.listener.sendto(packet, client)


class TcpRecorder(Recorder):
    """One client's stream."""

    def _listen(self):
        return socket.create_server(("127.0.0.1", 0))

    def _run(self):
        self.listener.settimeout(5.0)
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        with client, socket.create_connection(self.server) as server:
            flow = TcpFlow(self.capture, self.ports)
            open_sides = {client: server, server: client}
            while self.running and open_sides:
                ready, _, _ = select.select(list(open_sides), [], [], TURN_SECONDS)
                self._tick()
                for side in ready:
                    raw, other = self._read(side), open_sides[side]
                    with contextlib.suppress(OSError):
                        other.sendall(raw) if raw else other.shutdown(socket.SHUT_WR)
                    flow.send(side is client, raw)
                    if not raw:
                        del open_sides[side]
            flow.close()

    @staticmethod
    def _read(side):
        try:
            return side.recv(READ_SIZE)
        except OSError:
            return b""
