"""Carries UTP packets over real sockets, never waiting: UDP, WebSocket messages, TCP frames.

Each transport gives `send`, `receive` (what has come), `fileno` and `padding`. What packets mean
is not looked at here.
"""

import contextlib
import socket

from utp_connection import TCP_PADDING, UDP_PADDING, WEBSOCKET_PADDING
from utp_protocol import (
    BINARY,
    CLOSE,
    GOLDEN_MASK,
    PING,
    PONG,
    WebSocketStream,
    accept_key,
    frame,
    parse_head,
    upgrade_request,
)

READ_SIZE = 1 << 16
SOCKET_BUFFER = 1 << 22


class UdpTransport:
    """Datagrams to one address: the given one, or whoever spoke last."""

    padding = UDP_PADDING

    def __init__(self, server_port=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.fixed = server_port is not None
        self.target = ("127.0.0.1", server_port) if self.fixed else None

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()

    def send(self, packet):
        if self.target:
            # A full socket loses the datagram, and one that nobody reads says so: both are loss.
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
                self.socket.sendto(packet, self.target)

    def receive(self):
        packets = []
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while len(packets) < 256:
                packet, sender = self.socket.recvfrom(READ_SIZE)
                packets.append(packet)
                if not self.fixed:
                    self.target = sender
        return packets


class StreamTransport:
    """A TCP stream whose bytes `_take` cuts into packets and `_wrap` makes of them."""

    def __init__(self, stream, rest=b""):
        self.stream = stream
        self.stream.setblocking(False)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming = bytearray(rest)
        self.outgoing = bytearray()
        self.ended = False
        self.problem = None
        """What a stock peer would not have taken."""

    def fileno(self):
        return self.stream.fileno()

    def close(self):
        self.stream.close()

    def send(self, packet):
        self._write(self._wrap(packet))

    def _write(self, raw):
        self.outgoing += raw
        try:
            while self.outgoing:
                del self.outgoing[: self.stream.send(self.outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True

    def receive(self):
        self._write(b"")
        try:
            while got := self.stream.recv(READ_SIZE):
                self.incoming += got
            self.ended = True
        except BlockingIOError:
            pass
        except OSError:
            self.ended = True
        packets = []
        while (packet := self._take()) is not None:
            packets.append(packet)
        return packets


class TcpTransport(StreamTransport):
    """Two bytes of length, most significant first, in front of each packet."""

    padding = TCP_PADDING

    @classmethod
    def dial(cls, port):
        return cls(socket.create_connection(("127.0.0.1", port), 3.0))

    def _wrap(self, packet):
        return len(packet).to_bytes(2, "big") + packet

    def _take(self):
        while len(self.incoming) >= 2:
            length = int.from_bytes(self.incoming[:2], "big")
            if len(self.incoming) < 2 + length:
                return None
            packet = bytes(self.incoming[2 : 2 + length])
            del self.incoming[: 2 + length]
            if packet:
                return packet
        return None


class WebSocketTransport(StreamTransport):
    """One binary message for each packet, after the upgrade."""

    padding = WEBSOCKET_PADDING

    def __init__(self, stream, is_client, rest=b""):
        super().__init__(stream, rest)
        self.mask = GOLDEN_MASK if is_client else None
        self.closed_with = None

    @classmethod
    def dial(cls, port):
        http = WebSocketStream.dial(port)
        http.send(upgrade_request(port))
        first, headers = parse_head(http.read_head())
        names = sorted(name for name, _ in headers)
        if not first.startswith("HTTP/1.1 101 ") or len(names) != 3:
            raise ValueError(f"a stock client refuses {first!r} with {names}")
        return cls(http.stream, True, http.buffer)

    @classmethod
    def serve(cls, stream):
        http = WebSocketStream(stream, False)
        _, headers = parse_head(http.read_head())
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(dict(headers)['sec-websocket-key'])}\r\n\r\n"
        )
        http.send(answer.encode())
        return cls(http.stream, False, http.buffer)

    def _wrap(self, packet):
        return frame(BINARY, packet, self.mask)

    def _take(self):
        while (parsed := self._frame()) is not None:
            first, payload = parsed
            if first == 0x80 | BINARY:
                return payload
            if first == 0x80 | PING:
                self._write(frame(PONG, payload, self.mask))
            elif first == 0x80 | CLOSE and self.closed_with is None:
                self.closed_with = int.from_bytes(payload[:2], "big")
                self._write(frame(CLOSE, payload[:2], self.mask))
                if self.mask is None:
                    # It is the server that ends the stream.
                    self.stream.shutdown(socket.SHUT_WR)
            elif first not in (0x80 | PONG, 0x80 | CLOSE):
                self.problem = f"a frame that starts with {first:#x}"
        return None

    def _frame(self):
        """(first byte, payload) of a whole frame; None when more must come."""
        raw = self.incoming
        if len(raw) < 2:
            return None
        masked, length, at = bool(raw[1] & 0x80), raw[1] & 0x7F, 2
        if length > 125:
            size = 2 if length == 126 else 8
            length, at = int.from_bytes(raw[2 : 2 + size], "big"), 2 + size
        end = at + 4 * masked + length
        if len(raw) < end:
            return None
        payload = bytes(raw[end - length : end])
        if masked:
            key = int.from_bytes((bytes(raw[at : at + 4]) * (length // 4 + 1))[:length], "big")
            payload = (int.from_bytes(payload, "big") ^ key).to_bytes(length, "big")
        if masked == (self.mask is not None):
            self.problem = "a mask where none may be, or none where one must be"
        first = raw[0]
        del raw[:end]
        return first, payload
