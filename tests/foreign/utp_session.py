"""Runs a reference connection over a transport, through bad links when a check wants them."""

import select
import time

from harness import CheckFailed, expect
from utp_connection import CLOSED, CONNECTED, Connection, accepted
from utp_network import BadLink
from utp_protocol import new_token
from utp_reliable import WindowFull

WAIT_MS = 2


class Session:
    """A connection, its transport and the weather between them.

    `out` and `into` are BadLinks or None; `watch(from_us, packet)` sees every packet as the
    reference sent or got it, before the weather on the way out and after it on the way in.
    """

    def __init__(self, transport, token=None, out=None, into=None, **options):
        self.transport = transport
        self.options = {"padding": transport.padding, **options}
        self.out = out or BadLink(0)
        self.into = into or BadLink(0)
        self.start = time.monotonic()
        self.updated = -1
        self.events = []
        self.watch = lambda from_us, packet: None
        self.connection = None
        if token is not None:
            self.connection = Connection(token, True, 0, **self.options)

    @classmethod
    def client(cls, transport, **options):
        return cls(transport, new_token(), **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.transport.close()

    def now(self):
        return int((time.monotonic() - self.start) * 1000)

    def step(self, wait_ms=WAIT_MS):
        """What is due, then packets: so an acknowledgement rides on an answer if one comes."""
        select.select([self.transport], [], [], wait_ms / 1000)
        now = self.now()
        if self.connection and now != self.updated:
            self.connection.update(now)
            self.updated = now
        for packet in self.transport.receive():
            self.into.push(packet, now)
        for packet in self.into.pop(now):
            self.watch(False, packet)
            self._handle(packet, now)
        if self.connection is None:
            return
        self.flush(now)
        self.events += self.connection.events
        self.connection.events.clear()

    def _handle(self, packet, now):
        if self.connection is None:
            self.connection = accepted(packet, now, **self.options)
        else:
            self.connection.handle(packet, now)

    def flush(self, now):
        if self.connection is not None:
            for packet in self.connection.poll():
                self.watch(True, packet)
                self.out.push(packet, now)
        for packet in self.out.pop(now):
            self.transport.send(packet)

    def step_until(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise CheckFailed(f"waited {seconds} s for {what}; {self.report()}")
            self.step()

    def report(self):
        """A line for a check that failed."""
        if self.connection is None:
            return "nobody has asked"
        counts = [
            {name: count for name, count in vars(stage).get("counts", {}).items() if count}
            for pipeline in self.connection.pipelines.values()
            for stage in pipeline.stages
        ]
        return f"{self.connection.state}, dropped {self.connection.dropped[-3:]}, {counts}"

    def connected(self, seconds=20.0):
        self.step_until(
            lambda: self.connection and self.connection.state == CONNECTED, seconds, "a connection"
        )
        return self

    def try_send(self, payload, pipeline=0):
        """False when the window is full."""
        try:
            self.connection.send(payload, self.now(), pipeline)
        except WindowFull:
            return False
        return True

    def take_messages(self):
        """(pipeline, payload) of what came since the last call."""
        taken = [event[1:] for event in self.events if event[0] == "data"]
        self.events = [event for event in self.events if event[0] != "data"]
        return taken

    def disconnect(self):
        self.connection.disconnect(self.now())
        for link in (self.out, self.into):
            link.loss = link.delay = link.jitter = 0
        self.flush(self.now())

    # What both sides of an echo do

    def expect_echoes(self, messages, pipeline, seconds):
        """Send all; expect all back, in order."""
        got, sent = [], 0
        end = time.monotonic() + seconds
        while len(got) < len(messages):
            while sent < len(messages) and self.try_send(messages[sent], pipeline):
                sent += 1
            self.step()
            for number, payload in self.take_messages():
                expect(number == pipeline, f"an echo on pipeline {number}, not {pipeline}")
                expect(
                    len(got) < len(messages) and payload == messages[len(got)],
                    f"echo {len(got)} differs: {payload[:20].hex()}…",
                )
                got.append(payload)
            late = f"{len(got)} of {len(messages)} after {seconds} s; {self.report()}"
            expect(time.monotonic() < end, late)

    def echo_until_closed(self, seconds, running=lambda: True):
        """Send everything back until the other side has left; returns how many messages came."""
        waiting, count = [], 0
        end = time.monotonic() + seconds
        while running() and (self.connection is None or self.connection.state != CLOSED):
            self.step()
            waiting += self.take_messages()
            while waiting and self.connection.state == CONNECTED:
                if not self.try_send(waiting[0][1], waiting[0][0]):
                    break
                waiting.pop(0)
                count += 1
            expect(time.monotonic() < end, f"{count} echoed after {seconds} s; {self.report()}")
        while running() and time.monotonic() < end:
            # A stream has a close of its own, which its transport answers.
            self.step()
        return count
