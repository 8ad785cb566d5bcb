"""The headers of Unity Transport's pipeline stages: fields to bytes and back.

Written from the wire format alone, as utp_protocol.py is. No state: what a number means for a
connection is in utp_stages.py and utp_reliable.py. All integers are little endian.
"""

import struct
from typing import NamedTuple

FRAGMENT_FIRST, FRAGMENT_LAST = 0x8000, 0x4000
FRAGMENT_SEQUENCES = 0x4000
SEQUENCES = 0x10000
PAYLOAD, ACK = 0, 1
NOTHING_YET = 0xFFFF
"""The acknowledged sequence number of who has received nothing."""
RELIABLE_FIXED = struct.Struct("<BBHHH")
RELIABLE_FIXED_SIZE = RELIABLE_FIXED.size
WINDOW_MAX = 2040


def u16(value):
    return value.to_bytes(2, "little")


def read_u16(raw, at):
    return raw[at] | raw[at + 1] << 8


def fragment_header(sequence, first, last):
    flags = (FRAGMENT_FIRST if first else 0) | (FRAGMENT_LAST if last else 0)
    return u16(sequence % FRAGMENT_SEQUENCES | flags)


def parse_fragment_header(raw):
    """(sequence, first?, last?)"""
    value = read_u16(raw, 0)
    first, last = bool(value & FRAGMENT_FIRST), bool(value & FRAGMENT_LAST)
    return value % FRAGMENT_SEQUENCES, first, last


def sequence_header(sequence):
    return u16(sequence % SEQUENCES)


def is_newer(sequence, than):
    """Half-range comparison; at exactly half the range the smaller number is the newer one."""
    distance = (sequence - than) % SEQUENCES
    return 0 < distance < SEQUENCES // 2 or (distance == SEQUENCES // 2 and sequence < than)


def rounded_window(window):
    """Windows come in whole bytes of mask."""
    if not 0 <= window <= WINDOW_MAX:
        raise ValueError(f"a window of {window} packets; at most {WINDOW_MAX}")
    return (window + 7) // 8 * 8


def has_long_mask(window):
    return window > 64


def mask_size(window):
    """Bytes that the mask takes at most."""
    if has_long_mask(window):
        return window // 8
    return 4 if window <= 32 else 8


def reliable_header_size(window):
    return RELIABLE_FIXED_SIZE + mask_size(window)


class ReliableHeader(NamedTuple):
    """`missing` has bit i set when packet `acked - i` did not arrive: the mask, inverted."""

    kind: int
    processing_ms: int
    sequence: int
    acked: int
    missing: int
    mask_bytes: int


def reliable_header(window, kind, processing_ms, sequence, acked, missing=0, trim=False):
    """`trim` makes a long mask as short as it may be; short ones have one size."""
    size = mask_size(window)
    if has_long_mask(window) and trim:
        size = max(1, (missing.bit_length() + 7) // 8)
    all_ones = (1 << 8 * size) - 1
    stated = size if has_long_mask(window) else 0
    numbers = (min(processing_ms, 0xFFFF), sequence % SEQUENCES, acked % SEQUENCES)
    mask = (all_ones & ~missing).to_bytes(size, "little")
    return RELIABLE_FIXED.pack(kind, stated, *numbers) + mask


def parse_reliable_header(raw, window):
    """(header, body), or None when the bytes are none of this window's class."""
    if len(raw) < RELIABLE_FIXED_SIZE or (raw[1] != 0) != has_long_mask(window):
        return None
    size = raw[1] if has_long_mask(window) else mask_size(window)
    end = RELIABLE_FIXED_SIZE + size
    if len(raw) < end:
        return None
    mask = int.from_bytes(raw[RELIABLE_FIXED_SIZE:end], "little")
    missing = ((1 << 8 * size) - 1) & ~mask
    kind, _, *numbers = RELIABLE_FIXED.unpack_from(raw)
    return ReliableHeader(kind, *numbers, missing, size), raw[end:]
