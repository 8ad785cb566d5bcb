"""One end of a connection of Unity Transport: handshake, pipelines, path MTU, timers.

A pure state machine: packets and milliseconds come in, `poll` gives packets to send, `events` what
a program would see. It does not look at addresses: who hands packets in decides whose they are.
"""

from collections import deque

from utp_headers import read_u16
from utp_protocol import (
    DATA,
    DISCONNECT,
    HEARTBEAT,
    MESSAGE_SIZE_MAX,
    MTU_ACK,
    MTU_CHECK,
    TOKEN_SIZE,
    accept,
    data,
    disconnect,
    heartbeat,
    is_handshake,
    kind_of,
    mtu_ack,
    mtu_check,
    request,
)
from utp_stages import pipelines_named

UDP_PADDING, TCP_PADDING, WEBSOCKET_PADDING = 0, 2, 14
"""What a lower layer adds to a packet."""
HEADER_SIZE = 1 + TOKEN_SIZE
DATA_HEADER_SIZE = HEADER_SIZE + 1
HANDSHAKE_SIZE = 5 + TOKEN_SIZE
CONNECT_MS, ATTEMPTS_MAX = 1000, 60
HEARTBEAT_MS, DISCONNECT_MS = 500, 30000
PROBE_SIZE_MIN, PROBE_MS = 1024, 300
TIMEOUT, ATTEMPTS, CLOSED_BY_REMOTE = 1, 2, 3
CONNECTING, CONNECTED, CLOSED = "connecting", "connected", "closed"


def handshake_payload(packet):
    """What stands behind a handshake: bytes, or None when the length is inconsistent."""
    trailer = packet[HANDSHAKE_SIZE:]
    if len(trailer) <= 2:
        return b""
    return trailer[2:] if read_u16(trailer, 0) == len(trailer) - 2 else None


class PathMtu:
    """Probes for the largest packet that passes: two rounds, then it goes with what came back."""

    def __init__(self, size_max):
        self.size_max = size_max
        self.acked = 0
        self.rounds = 0
        self.due = 0

    def done(self):
        return self.acked >= self.size_max or self.rounds > 2

    def found(self):
        """No answer at all says nothing: then the largest size is taken."""
        return self.acked or self.size_max

    def sizes(self, now):
        """Sizes to probe now."""
        if self.done() or (self.rounds and now < self.due):
            return []
        self.rounds += 1
        self.due = now + PROBE_MS
        if self.rounds > 2:
            return []
        top = self.size_max
        return [PROBE_SIZE_MIN, top - 100, top - 20, top]


class Connection:
    """A client that asks, or with `is_client=False` the side that was asked."""

    def __init__(self, token, is_client, now, **options):
        self.token = token
        self.is_client = is_client
        self.padding = options.get("padding", UDP_PADDING)
        self.size_max = options.get("size_max", MESSAGE_SIZE_MAX)
        self.payload = options.get("payload")
        """The connect payload of a client, the accept payload of a server."""
        below = self.padding + DATA_HEADER_SIZE
        self.pipelines = pipelines_named(options.get("pipelines", ""), self.size_max, below)
        self.state = CONNECTING if is_client else CONNECTED
        self.attempts = 0
        self.last_sent = self.last_received = now
        self.peer_spoke = False
        """Has the other side sent anything but handshakes? Until then Accepts are repeated."""
        self.mtu = PathMtu(self.size_max) if options.get("probe") else None
        self.outgoing = deque()
        self.events = deque()
        self.dropped = []
        """Words for what was ignored and why, in order."""
        if is_client:
            self._ask(now)

    def _ask(self, now):
        self.attempts += 1
        self._put(request(self.token, self.payload), now)

    def _put(self, packet, now):
        self.outgoing.append(packet)
        self.last_sent = now

    def _drop(self, why):
        self.dropped.append(why)

    # In

    def handle(self, packet, now):
        if self.state == CLOSED:
            self._drop("closed")
        elif is_handshake(packet):
            self._handle_handshake(packet, now)
        elif len(packet) < HEADER_SIZE or packet[1:HEADER_SIZE] != self.token:
            self._drop("malformed" if len(packet) < HEADER_SIZE else "unknown token")
        elif self.state == CONNECTING:
            self._drop("overtook the accept")
        else:
            self._handle_message(packet, now)

    def _handle_handshake(self, packet, now):
        if packet[3] != 1:
            self._drop("version")
        elif packet[5:HANDSHAKE_SIZE] != self.token:
            self._drop("unknown token")
        elif kind_of(packet) == "request" and not self.is_client:
            self.last_received = now
            self._put(accept(self.token, self.payload), now)
        elif kind_of(packet) == "accept" and self.is_client and self.state == CONNECTING:
            self.state = CONNECTED
            self.last_received = now
            self.events.append(("connect", handshake_payload(packet) or b""))
        else:
            self._drop(f"{kind_of(packet)} out of place")

    def _handle_message(self, packet, now):
        self.peer_spoke = True
        self.last_received = now
        kind = packet[0]
        if kind == DATA:
            self._handle_data(packet, now)
        elif kind == DISCONNECT:
            self._close(CLOSED_BY_REMOTE)
        elif kind == MTU_CHECK and len(packet) >= HEADER_SIZE + 2:
            size = read_u16(packet, HEADER_SIZE) + HEADER_SIZE + 2 + self.padding
            self._put(mtu_ack(self.token, size), now)
        elif kind == MTU_ACK and len(packet) >= HEADER_SIZE + 4:
            if self.mtu:
                self.mtu.acked = max(self.mtu.acked, read_u16(packet, HEADER_SIZE + 2))
        elif kind != HEARTBEAT:
            self._drop("unknown kind")

    def _handle_data(self, packet, now):
        if len(packet) < DATA_HEADER_SIZE:
            self._drop("no pipeline byte")
            return
        pipeline, body = packet[HEADER_SIZE], packet[DATA_HEADER_SIZE:]
        if pipeline == 0:
            self.events.append(("data", 0, body))
        elif pipeline in self.pipelines:
            for message in self.pipelines[pipeline].receive(body, now):
                self.events.append(("data", pipeline, message))
        else:
            self._drop("unknown pipeline")

    def _close(self, reason):
        self.state = CLOSED
        self.events.append(("disconnect", reason))

    # Out

    def send(self, payload, now, pipeline=0):
        """Raises WindowFull or Overflow when the message cannot go, and then sends nothing."""
        if self.state != CONNECTED:
            raise ValueError("not connected")
        packets = [payload]
        if pipeline:
            packets = self.pipelines[pipeline].send(payload, now)
        for packet in packets:
            self._put(data(self.token, packet, pipeline), now)

    def disconnect(self, now):
        if self.state == CONNECTED:
            self._put(disconnect(self.token), now)
        self.state = CLOSED

    def update(self, now):
        """Everything that time brings."""
        if self.state == CONNECTING:
            if now - self.last_sent > CONNECT_MS:
                if self.attempts < ATTEMPTS_MAX:
                    self._ask(now)
                else:
                    self._close(ATTEMPTS)
        elif self.state == CONNECTED:
            self._update_connected(now)

    def _update_connected(self, now):
        for number, pipeline in self.pipelines.items():
            for packet in pipeline.update(now):
                self._put(data(self.token, packet, number), now)
        if self.mtu:
            for size in self.mtu.sizes(now):
                self._put(mtu_check(self.token, size, self.padding), now)
        if now - self.last_received > DISCONNECT_MS:
            self._put(disconnect(self.token), now)
            self._close(TIMEOUT)
        elif now - self.last_sent > HEARTBEAT_MS:
            self._put(heartbeat(self.token), now)

    def poll(self):
        """Packets to send now. A server says Accept first until its client has spoken."""
        packets = list(self.outgoing)
        self.outgoing.clear()
        again = accept(self.token, self.payload)
        if packets and not self.is_client and not self.peer_spoke and packets[0] != again:
            packets.insert(0, again)
        return packets


def accepted(packet, now, **options):
    """The server's side of a connection for a Request, which it answers; None for all else."""
    if kind_of(packet) != "request" or packet[3] != 1 or handshake_payload(packet) is None:
        return None
    connection = Connection(packet[5:HANDSHAKE_SIZE], False, now, **options)
    connection.asked_with = handshake_payload(packet)
    connection.handle(packet, now)
    return connection
