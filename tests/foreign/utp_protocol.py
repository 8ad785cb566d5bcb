"""Unity Transport's connection protocol v1, written from its wire format alone.

Standard library only. An independent second opinion: nothing here may come from, or follow, the
library under test. All integers are little endian; a token is 8 opaque bytes.
"""

import base64
import hashlib
import os
import socket
import time

MAGIC = b"UTP"
VERSION = 1
REQUEST, ACCEPT = 1, 2
DATA, DISCONNECT, HEARTBEAT, MTU_CHECK, MTU_ACK = 1, 2, 3, 4, 5
MESSAGE_SIZE_MAX = 1400
WEBSOCKET_PADDING = 14
WEBSOCKET_PAYLOAD_MAX = MESSAGE_SIZE_MAX - WEBSOCKET_PADDING
TOKEN_SIZE = 8
PIPELINE_BEYOND = 255
GOLDEN_TOKEN = bytes.fromhex("1122334455667788")
REPLY_SECONDS = 30.0
# A stream ends because of what was said, and before the limit of handshakes (5 s) would end it.
END_SECONDS = 4.5


def u16(value):
    return value.to_bytes(2, "little")


def with_payload(payload):
    return b"" if payload is None else u16(len(payload)) + payload


def request(token, payload=None):
    return MAGIC + bytes([VERSION, REQUEST]) + token + with_payload(payload)


def accept(token, payload=None):
    return MAGIC + bytes([VERSION, ACCEPT]) + token + with_payload(payload)


def data(token, payload, pipeline=0):
    return bytes([DATA]) + token + bytes([pipeline]) + payload


def disconnect(token):
    return bytes([DISCONNECT]) + token


def heartbeat(token):
    return bytes([HEARTBEAT]) + token


def mtu_check(token, size, padding=0):
    count = size - padding - 1 - TOKEN_SIZE - 2
    return bytes([MTU_CHECK]) + token + u16(count) + bytes(count)


def mtu_ack(token, size):
    return bytes([MTU_ACK]) + token + u16(2) + u16(size)


def is_handshake(packet):
    """The handshake test comes first: any packet of 13 bytes or more that starts with UTP."""
    return len(packet) >= 13 and packet[:3] == MAGIC


def new_token():
    return os.urandom(TOKEN_SIZE)


class UdpPeer:
    """One UDP socket that speaks raw packets."""

    def __init__(self, server_port=None, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        self.server = (host, server_port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, packet, to=None):
        self.socket.sendto(packet, to or self.server)

    def receive(self, seconds=REPLY_SECONDS):
        """The next packet and its sender; (None, None) when the time is over."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            return self.socket.recvfrom(65536)
        except TimeoutError:
            return None, None

    def receive_from_server(self, seconds=REPLY_SECONDS, skip=()):
        """The next packet whose kind is not in `skip`; None when the time is over.

        Probes are passed over and not answered, as by a peer from before 2.5.
        """
        end = time.monotonic() + seconds
        while True:
            packet, _ = self.receive(end - time.monotonic())
            if packet is None or kind_of(packet) not in (*skip, "mtu-check"):
                return packet
            if time.monotonic() >= end:
                return None


def kind_of(packet):
    """A word for what a packet is. `beyond` is a pipeline that nobody makes: a peer drops it."""
    if is_handshake(packet):
        return {REQUEST: "request", ACCEPT: "accept"}.get(packet[4], "handshake?")
    if packet[:1] == bytes([DATA]) and packet[9:10] == bytes([PIPELINE_BEYOND]):
        return "beyond"
    names = {
        DATA: "data",
        DISCONNECT: "disconnect",
        HEARTBEAT: "heartbeat",
        MTU_CHECK: "mtu-check",
        MTU_ACK: "mtu-ack",
    }
    return names.get(packet[0], "?") if len(packet) >= 9 else "?"


# The least of RFC 6455 that carries UTP packets


WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
GOLDEN_KEY = "AAECAwQFBgcICQoLDA0ODw=="
GOLDEN_ACCEPT_KEY = "Bz3qJYTGdOe8gUSpLosEdiLKDrk="
GOLDEN_MASK = bytes([1, 2, 3, 4])
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def accept_key(key):
    digest = hashlib.sha1(key.encode() + WEBSOCKET_GUID).digest()
    return base64.b64encode(digest).decode()


def frame(opcode, payload, mask=None, fin=True, announce=None):
    """A frame; `announce` states another length than the payload has."""
    length = len(payload) if announce is None else announce
    masked = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | opcode])
    if length < 126:
        head += bytes([masked | length])
    elif length < 65536:
        head += bytes([masked | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([masked | 127]) + length.to_bytes(8, "big")
    if mask:
        head += mask
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + payload


class EndOfStream(Exception):
    """The TCP connection ended."""


class WebSocketStream:
    """A TCP stream with just enough WebSocket on it; works for both roles."""

    def __init__(self, stream, is_client):
        self.stream = stream
        self.is_client = is_client
        self.buffer = b""
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    @classmethod
    def dial(cls, port, host="127.0.0.1"):
        stream = socket.create_connection((host, port), REPLY_SECONDS)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(stream, True)

    def _more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no bytes came in time")
        self.stream.settimeout(left)
        try:
            got = self.stream.recv(65536)
        except ConnectionResetError:
            raise EndOfStream from None
        if not got:
            raise EndOfStream
        self.buffer += got

    def read_head(self, seconds=REPLY_SECONDS):
        """Bytes of the HTTP head, its empty line included."""
        deadline = time.monotonic() + seconds
        while b"\r\n\r\n" not in self.buffer:
            self._more(deadline)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def _take(self, count, deadline):
        while len(self.buffer) < count:
            self._more(deadline)
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_frame(self, seconds=REPLY_SECONDS):
        """(first byte, masked?, payload) of the next frame, unmasked."""
        deadline = time.monotonic() + seconds
        first, second = self._take(2, deadline)
        length = second & 0x7F
        if length == 126:
            length = int.from_bytes(self._take(2, deadline), "big")
        elif length == 127:
            length = int.from_bytes(self._take(8, deadline), "big")
        masked = bool(second & 0x80)
        mask = self._take(4, deadline) if masked else bytes(4)
        payload = self._take(length, deadline)
        return first, masked, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def read_packet(self, seconds=REPLY_SECONDS, skip=()):
        """The next UTP packet; answers pings, skips probes and packets of the kinds in `skip`."""
        deadline = time.monotonic() + seconds
        while True:
            first, masked, payload = self.read_frame(deadline - time.monotonic())
            if masked == self.is_client:
                raise ValueError(f"frame {first:#x} is {'' if masked else 'not '}masked")
            if first == 0x80 | PING:
                self.send_frame(PONG, payload)
            elif first == 0x80 | BINARY and kind_of(payload) not in (*skip, "mtu-check"):
                return payload
            elif first not in (0x80 | BINARY, 0x80 | PONG):
                raise ValueError(f"frame {first:#x} {payload.hex()} instead of a packet")

    def read_close(self, seconds=REPLY_SECONDS):
        """The code of the next Close frame (None without one); skips everything before it."""
        deadline = time.monotonic() + seconds
        while True:
            first, _, payload = self.read_frame(deadline - time.monotonic())
            if first == 0x80 | CLOSE:
                return int.from_bytes(payload[:2], "big") if payload else None

    def read_end(self, seconds=END_SECONDS):
        """Wait for the end of the TCP stream; `seen` keeps what came before it."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.seen += self.buffer
                self.buffer = b""
                self._more(deadline)
        except EndOfStream:
            return

    def send(self, raw):
        self.stream.sendall(raw)

    def send_frame(self, opcode, payload, **options):
        mask = GOLDEN_MASK if self.is_client else None
        self.send(frame(opcode, payload, mask, **options))

    def send_packet(self, packet):
        self.send_frame(BINARY, packet)


def upgrade_request(port, path="/", key=GOLDEN_KEY, version="13", extra=()):
    """The upgrade request as Unity's native client writes it; None leaves a header away."""
    lines = [f"GET {path} HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"]
    if version is not None:
        lines.append(f"Sec-WebSocket-Version: {version}")
    if key is not None:
        lines.append(f"Sec-WebSocket-Key: {key}")
    lines += [f"Host: 127.0.0.1:{port}", *extra, "", ""]
    return "\r\n".join(lines).encode()


def parse_head(head):
    """(first line, list of (lower-case name, value)) of an HTTP head."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, [(name.lower(), value.strip()) for name, _, value in pairs]
