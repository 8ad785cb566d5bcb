"""ReliableSequenced: every message once and in order, with acknowledgement masks and resends.

A pure state machine on milliseconds that the caller passes in. Sequence numbers count on without
end inside; the wire carries their low 16 bits.
"""

from utp_headers import (
    ACK,
    PAYLOAD,
    SEQUENCES,
    parse_reliable_header,
    reliable_header,
    reliable_header_size,
    rounded_window,
)

RESEND_MS_MIN, RESEND_MS_MAX = 64, 200
DUPLICATES_BEFORE_ACK = 3
BLOCK = SEQUENCES // 4
"""The two top bits of a sequence number count blocks of this size."""
DUMMY = b"\0"
"""What stands behind the header of a packet that only acknowledges."""


class WindowFull(Exception):
    """No slot is free: status -5 at the call that sends."""


class RoundTrip:
    """The estimate of the round trip, and how long a packet waits to be sent again."""

    def __init__(self):
        self.smoothed = 50.0
        self.variance = 5.0
        self.timeout = 50
        self.samples = 0

    def take(self, sample):
        sample = max(sample, 1)
        delta = sample - self.smoothed
        self.smoothed += delta / 8
        self.variance += (abs(delta) - self.variance) / 4
        self.timeout = int(self.smoothed + 4 * self.variance)
        self.samples += 1

    def resend_after(self):
        return min(max(self.timeout, RESEND_MS_MIN), RESEND_MS_MAX)


class Receiving:
    """What has arrived: the newest number, the holes below it, what waits for a hole to fill."""

    def __init__(self, window, start):
        self.window = window
        self.newest = start - 1
        self.newest_at = None
        self.missing = 0
        self.next = start
        self.stored = {}
        self.block = start // BLOCK

    def extend(self, wire):
        """The whole number behind 16 bits, or None for a block that is out of reach."""
        step = ((wire // BLOCK) - self.block) % 4
        blocks = {0: 0, 1: 1, 3: -1}.get(step)
        if blocks is None or self.block + blocks < 0:
            return None
        return (self.block + blocks) * BLOCK + wire % BLOCK

    def place(self, sequence, body, now):
        """'new', 'duplicate' or 'stale'; a new one is kept for `deliver`."""
        ahead = sequence - self.newest
        if ahead > self.window or -ahead >= self.window:
            return "stale"
        if ahead <= 0 and not self.missing >> -ahead & 1:
            return "duplicate"
        if sequence >= self.next + self.window:
            return "stale"
        if ahead > 0:
            holes = (1 << ahead) - 2
            self.missing = (self.missing << ahead | holes) & ((1 << self.window) - 1)
            self.newest, self.newest_at = sequence, now
            self.block = max(self.block, sequence // BLOCK)
        else:
            self.missing &= ~(1 << -ahead)
        self.stored[sequence] = body
        return "new"

    def deliver(self):
        """Bodies whose turn it is."""
        ready = []
        while self.next in self.stored:
            ready.append(self.stored.pop(self.next))
            self.next += 1
        return ready


class Reliable:
    """The stage: `send`, `receive`, `update`, each giving packets or bodies.

    Numbers begin at 0. Only a check that wants to be near a wrap begins elsewhere, on both sides.
    """

    def __init__(self, window=32, start=0):
        self.window = rounded_window(window)
        self.header_size = reliable_header_size(self.window)
        self.next = start
        self.waiting = {}
        """Sent and not acknowledged: number to [body, first sent, last sent]."""
        self.acked = start - 1
        self.holes = set()
        """Numbers below `acked` that the other side misses."""
        self.round_trip = RoundTrip()
        self.received = Receiving(self.window, start)
        self.told = (start - 1, 0)
        """The newest number and the holes that the other side was told last."""
        self.duplicates = 0
        self.counts = dict.fromkeys(("sent", "resent", "acks", "duplicate", "stale", "dropped"), 0)

    def room(self):
        """How many packets may be sent now; the oldest unacknowledged one holds its slot."""
        oldest = next(iter(self.waiting), self.next)
        return self.window - (self.next - oldest)

    def send(self, body, now):
        if self.next - self.window in self.waiting:
            raise WindowFull
        self.waiting[self.next] = [body, now, now]
        packet = self._packet(PAYLOAD, self.next, body, now)
        self.next += 1
        self.counts["sent"] += 1
        return [packet]

    def _packet(self, kind, sequence, body, now):
        into = self.received
        processing = 0 if into.newest_at is None else now - into.newest_at
        self.told = (into.newest, into.missing)
        self.duplicates = 0
        trim = self.acked >= 0
        head = reliable_header(
            self.window, kind, processing, sequence, into.newest, into.missing, trim
        )
        return head + body

    def receive(self, packet, now):
        """Bodies in order."""
        parsed = parse_reliable_header(packet, self.window)
        if parsed is None:
            self.counts["dropped"] += 1
            return []
        header, body = parsed
        if header.kind == ACK:
            self._take_ack(header, now)
            return []
        sequence = self.received.extend(header.sequence)
        verdict = "stale" if sequence is None else self.received.place(sequence, body, now)
        if verdict == "stale":
            self.counts["stale"] += 1
            return []
        self._take_ack(header, now)
        if verdict == "duplicate":
            self.duplicates += 1
            self.counts["duplicate"] += 1
        return self.received.deliver()

    def _take_ack(self, header, now):
        newest_sent = self.next - 1
        acked = newest_sent - (newest_sent - header.acked) % SEQUENCES
        if acked < self.acked or acked < 0:
            return
        for sequence in range(self.acked + 1, acked + 1):
            self.holes.add(sequence)
        self.acked = acked
        sampled = self.waiting.get(acked)
        for sequence in list(self.holes):
            distance = acked - sequence
            if distance >= self.window or not header.missing >> distance & 1:
                self.holes.discard(sequence)
                self.waiting.pop(sequence, None)
        if sampled and acked not in self.waiting:
            self.round_trip.take(now - sampled[1] - header.processing_ms)

    def update(self, now):
        """Packets that are due: resends, lowest first, or an acknowledgement alone."""
        after = self.round_trip.resend_after()
        due = []
        for sequence, entry in self.waiting.items():
            if now > entry[2] + after:
                entry[2] = now
                due.append(self._packet(PAYLOAD, sequence, entry[0], now))
        self.counts["resent"] += len(due)
        into = self.received
        untold = self.told != (into.newest, into.missing)
        if untold or self.duplicates >= DUPLICATES_BEFORE_ACK:
            self.counts["acks"] += 1
            due.append(self._packet(ACK, 0, DUMMY, now))
        return due
