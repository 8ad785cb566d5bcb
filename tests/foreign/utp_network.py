"""A bad network with a seed: loses, doubles, delays, has a path MTU. One seed gives one fate.

Time is whatever the caller counts; nothing sleeps here.
"""

import heapq
import random


class BadLink:
    """One direction. Packets of one time come out in the order in which they went in."""

    def __init__(self, seed, loss=0.0, double=0.0, delay=0, jitter=0, size_max=65535):
        self.random = random.Random(seed)
        self.loss, self.double = loss, double
        self.delay, self.jitter = delay, jitter
        self.size_max = size_max
        self.flying = []
        self.count = 0
        self.lost = 0

    def push(self, packet, now, loss=None):
        """Take a packet; `loss` overrides the link's own for this one."""
        chance = self.loss if loss is None else loss
        if self.random.random() < chance or len(packet) > self.size_max:
            self.lost += 1
            return
        for _ in range(2 if self.random.random() < self.double else 1):
            due = now + self.delay + (self.random.uniform(0, self.jitter) if self.jitter else 0)
            heapq.heappush(self.flying, (due, self.count, packet))
            self.count += 1

    def pop(self, now):
        """Packets that have arrived."""
        arrived = []
        while self.flying and self.flying[0][0] <= now:
            arrived.append(heapq.heappop(self.flying)[2])
        return arrived

    def next_due(self):
        return self.flying[0][0] if self.flying else None
