"""The other pipeline stages, and the stack that a list such as "frag,reliable:32" names.

On the wire the header of the last stage comes first; so a stage puts its header in front of what
the stage before it made, and takes it off again on the way in.
"""

from utp_headers import (
    FRAGMENT_SEQUENCES,
    SEQUENCES,
    fragment_header,
    is_newer,
    parse_fragment_header,
    read_u16,
    sequence_header,
)
from utp_reliable import Reliable, WindowFull

FRAGMENT_CAPACITY = 4096


class Overflow(Exception):
    """The message does not fit: status -4 at the call that sends."""


class Null:
    """No header, nothing done."""

    header_size = 0

    def send(self, body, _now):
        return [body]

    def receive(self, packet, _now):
        return [packet]

    def update(self, _now):
        return []


class Fragmentation(Null):
    """Cuts a message into packets of `piece` bytes and puts it together again."""

    header_size = 2

    def __init__(self, capacity=FRAGMENT_CAPACITY):
        self.capacity = capacity
        self.piece = None
        self.next = 0
        self.expected = 0
        self.parts = None
        """The message in assembly; None while pieces are discarded until a first one."""
        self.lost = 0

    def pieces(self, length):
        """How many packets a message of this length becomes."""
        return max(1, -(-length // self.piece))

    def send(self, body, _now):
        if len(body) > self.capacity:
            raise Overflow(f"{len(body)} bytes of {self.capacity}")
        count = self.pieces(len(body))
        packets = []
        for i in range(count):
            head = fragment_header(self.next, i == 0, i == count - 1)
            packets.append(head + body[i * self.piece : (i + 1) * self.piece])
            self.next = (self.next + 1) % FRAGMENT_SEQUENCES
        return packets

    def receive(self, packet, _now):
        if len(packet) < self.header_size:
            return []
        sequence, first, last = parse_fragment_header(packet)
        if sequence != self.expected and not first:
            self._give_up()
        self.expected = (sequence + 1) % FRAGMENT_SEQUENCES
        if first:
            self._give_up()
            self.parts = []
        if self.parts is None:
            return []
        self.parts.append(packet[self.header_size :])
        if sum(map(len, self.parts)) > self.capacity:
            self._give_up()
            return []
        if not last:
            return []
        whole, self.parts = b"".join(self.parts), None
        return [whole]

    def _give_up(self):
        if self.parts:
            self.lost += 1
        self.parts = None


class UnreliableSequenced(Null):
    """Drops what is older than what came before."""

    header_size = 2

    def __init__(self):
        self.next = 0
        self.newest = SEQUENCES - 1
        self.culled = 0

    def send(self, body, _now):
        packet = sequence_header(self.next) + body
        self.next = (self.next + 1) % SEQUENCES
        return [packet]

    def receive(self, packet, _now):
        if len(packet) < self.header_size:
            return []
        sequence = read_u16(packet, 0)
        if not is_newer(sequence, self.newest):
            self.culled += 1
            return []
        self.newest = sequence
        return [packet[self.header_size :]]


def stage_named(word):
    """A stage from a word of a list: frag, frag:CAPACITY, useq, reliable, reliable:WINDOW, null."""
    name, _, number = word.strip().partition(":")
    kinds = {
        "null": Null,
        "frag": Fragmentation,
        "useq": UnreliableSequenced,
        "reliable": Reliable,
    }
    if name not in kinds:
        raise ValueError(f"no stage is called {name!r}")
    return kinds[name](int(number)) if number else kinds[name]()


class Pipeline:
    """Stages in order, from the program to the wire."""

    def __init__(self, stages, size_max, padding):
        self.stages = stages
        self.capacity = size_max - padding - sum(stage.header_size for stage in stages)
        for at, stage in enumerate(stages):
            if isinstance(stage, Fragmentation):
                behind = sum(later.header_size for later in stages[at:])
                stage.piece = size_max - padding - behind
                self.capacity = stage.capacity

    def stage(self, kind):
        """The first stage of a class."""
        return next(stage for stage in self.stages if isinstance(stage, kind))

    def send(self, payload, now):
        """Packets for one message; all of them or WindowFull."""
        if len(payload) > self.capacity:
            raise Overflow(f"{len(payload)} bytes of {self.capacity}")
        self._require_room(len(payload))
        return self._down(0, [payload], now)

    def _require_room(self, length):
        count = 1
        for stage in self.stages:
            if isinstance(stage, Fragmentation):
                count = stage.pieces(length)
            else:
                length += stage.header_size
            if isinstance(stage, Reliable) and stage.room() < count:
                raise WindowFull

    def _down(self, start, packets, now):
        for stage in self.stages[start:]:
            packets = [packet for body in packets for packet in stage.send(body, now)]
        return packets

    def receive(self, packet, now):
        """Messages that a packet completes."""
        bodies = [packet]
        for stage in reversed(self.stages):
            bodies = [body for packet in bodies for body in stage.receive(packet, now)]
        return bodies

    def update(self, now):
        """Packets that stages send on their own."""
        packets = []
        for at, stage in enumerate(self.stages):
            packets += self._down(at + 1, stage.update(now), now)
        return packets


def pipelines_named(text, size_max, padding):
    """Pipelines by id, which count from 1 in the order of the list; `;` stands between them."""
    lists = [part for part in text.split(";") if part.strip()]
    return {
        number: Pipeline([stage_named(word) for word in part.split(",")], size_max, padding)
        for number, part in enumerate(lists, 1)
    }
