"""What two netdriver peers say beyond Unity Transport: bytes of a Hello and of packets of frames.

Written from docs/PROTOCOL.md, for the checks of the dissector and of sessions.
"""

from utp_protocol import data, with_payload

HELLO_PIPELINE = 255
VERSION = 2
TAKES_PIECES = 1
PACKET_CHANNEL = 0
SHORT, LONG = 0x10, 0x11
RETRY, REQUEST_WITH_COOKIE = 0xF1, 0xF2
PADDING, PING, BLOCKED = b"\x00", b"\x01", b"\x04"
ACK_DELAY_UNIT = 8


def little(value, size):
    return value.to_bytes(size, "little")


def varint(value):
    """A number of RFC 9000 section 16, below 2^30."""
    for size, form in ((1, 0), (2, 1), (4, 2)):
        if value < 1 << (8 * size - 2):
            return (value | form << (8 * size - 2)).to_bytes(size, "big")
    raise ValueError(f"{value} has no form")


def hello(
    token,
    answer,
    datagram_size=1400,
    window=1 << 21,
    digest=0,
    features=TAKES_PIECES,
    version=VERSION,
):
    body = b"ndHi" + bytes([version, int(answer)]) + little(features, 4)
    body += little(datagram_size, 2) + little(window, 4) + little(digest, 4)
    return data(token, body, HELLO_PIPELINE)


def retry(token, cookie):
    return bytes([RETRY]) + token + cookie


def request_with_cookie(token, cookie, payload=None):
    return bytes([REQUEST_WITH_COOKIE]) + token + cookie + with_payload(payload)


def packet(token, number, *frames, long=False):
    head = bytes([LONG if long else SHORT]) + token
    size = 4 if long else 2
    return head + little(number % (1 << 8 * size), size) + b"".join(frames)


def ack(delay_us, *ranges):
    """Ranges (first, last), the newest first."""
    (start, largest), *rest = ranges
    raw = b"\x02" + little(largest % (1 << 24), 3) + varint(delay_us // ACK_DELAY_UNIT)
    raw += varint(len(rest)) + varint(largest - start)
    for first, last in rest:
        raw += varint(start - last - 2) + varint(last - first)
        start = first
    return raw


def window(limit):
    return b"\x03" + little(limit, 4)


def delivered(channel, number):
    return bytes([5, channel]) + little(number, 2)


def path_challenge(raw):
    return b"\x06" + raw


def path_response(raw):
    return b"\x07" + raw


def _with_body(kind, head, body, last):
    return bytes([kind | (not last)]) + head + (b"" if last else varint(len(body))) + body


def message(pipeline, body, last=False):
    """`last`: it reaches to the end of the packet and states no length."""
    return _with_body(0x08, bytes([pipeline]), body, last)


def reliable(channel, number, body, last=False):
    return _with_body(0x0A, bytes([channel]) + little(number, 2), body, last)


def part(channel, number, offset, ends, body):
    """A piece of a message; it reaches to the end of the packet."""
    return b"\x0e" + bytes([channel]) + little(number, 2) + little(offset | ends << 15, 2) + body


def repair(channel, first, members, body, last=False):
    return _with_body(0x0C, bytes([channel]) + little(first, 2) + bytes([members]), body, last)
