"""Writes captures of what passes, without a privilege and without touching an interface.

The addresses are made up; a TCP stream gets a handshake and counted bytes, so that a dissector
puts it together as it would a real one.
"""

import itertools
import struct

LINK_RAW_IP = 101
SNAP_LENGTH = 65535
CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
UDP, TCP = 17, 6
FIN, SYN, PUSH, ACK = 1, 2, 8, 16
SEGMENT_MAX = 1460


class Capture:
    """A pcap file; times are milliseconds."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP_LENGTH, LINK_RAW_IP))
        self.now = 0
        self.numbers = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def _write(self, protocol, from_client, transport):
        source, target = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
        size = 20 + len(transport)
        number = next(self.numbers) & 0xFFFF
        head = struct.pack(">BBHHHBBH", 0x45, 0, size, number, 0, 64, protocol, 0)
        packet = head + source + target + transport
        seconds, rest = divmod(int(self.now * 1000), 1_000_000)
        self.file.write(struct.pack("<IIII", seconds, rest, len(packet), len(packet)) + packet)

    def udp(self, from_client, ports, payload):
        """A datagram; `ports` are the client's and the server's."""
        source, target = ports if from_client else ports[::-1]
        head = struct.pack(">HHHH", source, target, 8 + len(payload), 0)
        self._write(UDP, from_client, head + payload)


class TcpFlow:
    """A TCP connection inside a capture."""

    def __init__(self, capture, ports):
        self.capture, self.ports = capture, ports
        self.next = {True: 1000, False: 5000}
        self._segment(True, SYN, b"")
        self._segment(False, SYN | ACK, b"")
        self._segment(True, ACK, b"")

    def _segment(self, from_client, flags, payload):
        source, target = self.ports if from_client else self.ports[::-1]
        acked = self.next[not from_client] if flags & ACK else 0
        numbers = (self.next[from_client], acked)
        head = struct.pack(">HHIIBBHHH", source, target, *numbers, 5 << 4, flags, 65535, 0, 0)
        self.capture._write(TCP, from_client, head + payload)
        self.next[from_client] += len(payload) + bool(flags & (SYN | FIN))

    def send(self, from_client, payload):
        """Bytes in segments of an ordinary size."""
        for at in range(0, len(payload), SEGMENT_MAX):
            self._segment(from_client, PUSH | ACK, payload[at : at + SEGMENT_MAX])

    def close(self):
        self._segment(True, FIN | ACK, b"")
        self._segment(False, FIN | ACK, b"")
        self._segment(True, ACK, b"")
