//! What is ready: reports of the system, and the lists that they become.

use std::io;
use std::time::Duration;

use mio::{Interest, Token};

use super::{
    IpcPort, Pump, SORT_LISTENER, SORT_STREAM, SORT_UDP, Sleep, StreamId, TIMER, Watcher, udp_token,
};

/// How often the system is asked in a row, as long as it has as many reports as it may give.
const POLLS_MAX: usize = 64;

impl Pump {
    /// Puts a stream on the list of ready ones.
    pub fn mark_ready(&mut self, id: StreamId) {
        let place = &mut self.places[id as usize];
        if !std::mem::replace(&mut place.listed, true) {
            self.ready.push(id);
        }
    }

    /// Has the system report room in those UDP sockets that have none, and in no others: it would
    /// report room after every datagram that leaves, and wake a sleeping driver for nothing.
    pub fn watch_room(&mut self) -> io::Result<()> {
        for (index, socket) in self.udp.iter_mut().enumerate() {
            if socket.watched != socket.writable {
                continue;
            }
            socket.watched = !socket.writable;
            let room = socket.watched.then_some(Interest::WRITABLE);
            let interest = room.map_or(Interest::READABLE, |room| Interest::READABLE | room);
            self.poll.registry().reregister(socket.source(), udp_token(index), interest)?;
        }
        Ok(())
    }

    /// Asks the system what is ready, if need be sleeping until something is.
    pub fn poll(&mut self, sleep: Sleep) -> io::Result<()> {
        self.poll.recycle(&mut self.closed, &mut self.free);
        self.watch_room()?;
        if !sleep.is_none() {
            self.bell.set_asleep(true);
            // What has come while nobody looked did not ring.
            let has_come = self.bell.is_called()
                || self.ipc.iter().any(IpcPort::is_readable)
                || self.resolver.has_answers();
            if has_come {
                self.bell.set_asleep(self.observed);
                return self.poll(Sleep::NONE);
            }
        }
        #[cfg(test)]
        {
            self.polls += 1;
        }
        #[cfg(test)]
        let sleep = match &mut self.sleeper {
            Some(sleeper) if !sleep.is_none() => {
                sleeper(Duration::from_micros(sleep.most));
                Sleep::NONE
            }
            _ => sleep,
        };
        let busy = self.busy && !sleep.is_none();
        let few = self.few && busy;
        let most = self.limit(sleep, busy);
        let polled = self.poll.poll(most, few);
        // Before anything is received: what comes later than this rings.
        self.bell.set_asleep(self.observed);
        self.took_all = self.take_reports(polled)? < self.poll.most(few);
        for _ in 1..POLLS_MAX {
            if busy || self.took_all {
                break;
            }
            let polled = self.poll.poll(Some(Duration::ZERO), false);
            self.took_all = self.take_reports(polled)? < self.poll.most(false);
        }
        Ok(())
    }

    /// For how long the system is to sleep; `None` is until it has something to report.
    #[inline]
    pub(super) fn limit(&mut self, sleep: Sleep, busy: bool) -> Option<Duration> {
        // Who sleeps on the descriptor is not to be woken by our timer.
        if busy && !self.observed {
            return self.timeout.limit(self.poll.registry(), TIMER, sleep);
        }
        Some(Duration::from_micros(sleep.most))
    }

    /// Notes what the system has reported; returns how many reports that were.
    fn take_reports(&mut self, polled: io::Result<()>) -> io::Result<usize> {
        match polled {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            other => other?,
        }
        let mut count = 0;
        let (places, ready) = (&mut self.places, &mut self.ready);
        for event in self.poll.reports() {
            count += 1;
            let Token(token) = event.token();
            let index = token >> 2;
            match token & 3 {
                SORT_LISTENER => self.listeners[index].set_readable(),
                SORT_UDP => {
                    let socket = &mut self.udp[index];
                    socket.readable |= event.is_readable() || event.is_error();
                    socket.writable |= event.is_writable();
                }
                SORT_STREAM => {
                    let Some(place) = places.get_mut(index) else {
                        continue;
                    };
                    let Some(stream) = &mut place.stream else {
                        continue;
                    };
                    let ended = event.is_read_closed() || event.is_error();
                    stream.readable |= event.is_readable() || ended;
                    stream.writable |= event.is_writable() || event.is_write_closed();
                    stream.read_closed |= ended;
                    if stream.queued() > 0 && !std::mem::replace(&mut place.dirty, true) {
                        self.dirty.push(index as StreamId);
                    }
                    if !std::mem::replace(&mut place.listed, true) {
                        ready.push(index as StreamId);
                    }
                }
                _ if event.token() == TIMER => self.timeout.handle_ring(),
                // The bell: whoever slept is awake.
                _ => {}
            }
        }
        Ok(count)
    }

    /// What sleeps until there is something to [`poll`](Self::poll), without the pump.
    pub fn watcher(&mut self) -> io::Result<Watcher> {
        self.observe();
        self.poll.watcher(&self.bell)
    }

    /// The number of the descriptor that is readable when there is something to poll; on Windows
    /// of the event that is set then.
    pub fn descriptor(&mut self) -> io::Result<i64> {
        self.observe();
        self.poll.descriptor(&self.bell)
    }

    /// From now on the bell rings whenever something comes, whether the driver sleeps or not.
    fn observe(&mut self) {
        self.observed = true;
        self.bell.set_asleep(true);
        // What came before did not ring.
        if self.ipc.iter().any(IpcPort::is_readable) || self.resolver.has_answers() {
            self.bell.ring();
        }
    }

    /// Is there work that needs no report of the system?
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
            || self.udp.iter().any(|socket| socket.readable)
            || self.ipc.iter().any(IpcPort::is_readable)
            || self.custom.iter().any(|port| port.has_more)
            || self.resolver.has_answers()
    }

    /// May something have come but on a stream? Interfaces of the program and ports of others in
    /// this process are asked each time.
    #[inline]
    pub fn has_arrivals(&self) -> bool {
        !self.ipc.is_empty()
            || !self.custom.is_empty()
            || self.listeners.iter().any(|listener| listener.readable)
            || (0..self.udp.len()).any(|index| self.udp_wants_receive(index))
    }

    /// Is any stream ready?
    pub const fn has_ready_streams(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the list of ready streams; give it back with `return_ready` to keep its memory.
    pub fn take_ready(&mut self) -> Vec<StreamId> {
        for &id in &self.ready {
            self.places[id as usize].listed = false;
        }
        std::mem::take(&mut self.ready)
    }

    /// Gives the memory of a list back.
    pub fn return_ready(&mut self, mut list: Vec<StreamId>) {
        list.clear();
        if !self.ready.is_empty() {
            list.append(&mut self.ready);
        }
        self.ready = list;
    }
}
