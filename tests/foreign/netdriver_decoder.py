"""Reads what two netdriver peers say beyond Unity Transport, from docs/PROTOCOL.md alone.

What breaks a rule raises Wrong. `encode` writes what was read once more, by netdriver_frames.
"""

import netdriver_frames as frames

HELLO_MAGIC = b"ndHi"
ACK_RANGES_MAX = 31


class Wrong(Exception):
    """Bytes that no rule of the chapter makes."""


class Reader:
    """Takes bytes from the front."""

    def __init__(self, raw):
        self.raw = raw

    def take(self, size):
        if len(self.raw) < size:
            raise Wrong(f"{size} bytes are wanted and {len(self.raw)} there")
        head, self.raw = self.raw[:size], self.raw[size:]
        return head

    def little(self, size):
        return int.from_bytes(self.take(size), "little")

    def varint(self):
        form = self.raw[0] >> 6 if self.raw else 0
        if form == 3:
            raise Wrong("a number of eight bytes")
        size = 1 << form
        return int.from_bytes(self.take(size), "big") & (1 << 8 * size - 2) - 1

    def body(self, to_the_end):
        return self.take(len(self.raw) if to_the_end else self.varint())


def parse_hello(message):
    """What a Data packet for pipeline 255 says; None when it is no Hello."""
    reader = Reader(message)
    if len(message) < 20 or reader.take(4) != HELLO_MAGIC:
        return None
    version, flags, features = reader.little(1), reader.little(1), reader.little(4)
    size, window, digest = reader.little(2), reader.little(4), reader.little(4)
    return {
        "version": version,
        "answer": flags & 1,
        "features": features,
        "size": size,
        "window": window,
        "digest": digest,
    }


def _ack(reader):
    largest, delay = reader.little(3), reader.varint() * frames.ACK_DELAY_UNIT
    count, first = reader.varint(), reader.varint()
    if count > ACK_RANGES_MAX:
        raise Wrong(f"{count} further ranges")
    steps = [(reader.varint(), reader.varint()) for _ in range(count)]
    return ("ack", largest, delay, first, steps)


def _frame(reader):
    kind = reader.little(1)
    if kind in (0, 1, 4):
        return (("padding", "ping", None, None, "blocked")[kind],)
    if kind == 2:
        return _ack(reader)
    if kind == 3:
        return ("window", reader.little(4))
    if kind == 5:
        return ("delivered", reader.little(1), reader.little(2))
    if kind in (6, 7):
        return (("path_challenge", "path_response")[kind - 6], reader.take(8))
    to_the_end = kind % 2 == 0
    if kind in (8, 9):
        return ("message", reader.little(1), reader.body(to_the_end), to_the_end)
    if kind in (10, 11):
        return ("reliable", reader.little(1), reader.little(2), reader.body(to_the_end), to_the_end)
    if kind in (12, 13):
        head = reader.little(1), reader.little(2), reader.little(1)
        if head[2] % 2 == 0 or head[2] == 1:
            raise Wrong(f"a repair of {head[2]}")
        return ("repair", *head, reader.body(to_the_end), to_the_end)
    if kind == 14:
        channel, number, place = reader.little(1), reader.little(2), reader.little(2)
        return ("part", channel, number, place & 0x7FFF, bool(place >> 15), reader.body(True))
    raise Wrong(f"frame {kind:#x}")


def parse_packet(raw):
    """Token, low bits of the number, how many bits, and the frames."""
    reader = Reader(raw)
    kind = reader.little(1)
    if kind not in (frames.SHORT, frames.LONG):
        raise Wrong(f"packet {kind:#x}")
    token = reader.take(8)
    bits = 32 if kind == frames.LONG else 16
    number = reader.little(bits // 8)
    found = []
    while reader.raw:
        found.append(_frame(reader))
    return token, number, bits, found


def expand(truncated, bits, expected):
    """The number nearest to `expected` with these low bits (RFC 9000 appendix A.3)."""
    window = 1 << bits
    candidate = expected - expected % window + truncated
    if candidate <= expected - window // 2:
        return candidate + window
    if candidate > expected + window // 2 and candidate >= window:
        return candidate - window
    return candidate


def ranges(ack, expected):
    """The packets that an ACK names, as (first, last), the newest first."""
    _, largest, _, first, steps = ack
    largest = expand(largest, 24, expected)
    found = [(largest - first, largest)]
    for gap, length in steps:
        last = found[-1][0] - gap - 2
        found.append((last - length, last))
    return found


def encode(frame):
    """A frame as bytes again."""
    name, *rest = frame
    if name in ("padding", "ping", "blocked"):
        return getattr(frames, name.upper())
    if name == "ack":
        base = 1 << 24
        found = ranges(frame, base + frame[1])
        return frames.ack(frame[2], *found)
    return getattr(frames, name)(*rest)
