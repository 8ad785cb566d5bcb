//! Who may become a connection: the bounds of a handshake that proves nothing.
//!
//! A ConnectionRequest costs its sender 13 bytes and a forged address. So connections whose peer
//! has not spoken yet are bounded, an address has a share and not all of it, and under load a
//! client proves its address with a cookie before it costs anything. All memory here is bounded.
//! The guard decides and counts; it neither sends nor knows connections.

use std::collections::BTreeMap;

use super::closed_tokens::ClosedTokens;
use super::cookie::{Cookie, CookieKey};
use super::packet::Token;
use super::repeats::Repeats;
use crate::proto::endpoint::{Family, NetworkEndpoint};
use crate::proto::time::{MICROS_PER_MS, Micros};

/// Counters of requests in one row of the sketch.
const SKETCH_WIDTH: usize = 4096;
/// Rows; the smallest of an address's counters is the one that counts.
const SKETCH_ROWS: usize = 2;
/// Over how long requests of an address are counted.
const RATE_WINDOW: Micros = 1000 * MICROS_PER_MS;
/// What keeps the guard's use of the key apart from others.
const DOMAIN_GROUP: u8 = 2;
const DOMAIN_SKETCH: u8 = 3;

/// Keeps IPv4 addresses apart from networks of IPv6: none begins so.
const GROUP_IPV4: u64 = 1 << 62;

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections whose peer was not heard since it asked.
    pub unvalidated_max: u32,
    /// From so many of them on, clients are asked for a cookie first.
    pub cookie_threshold: u32,
    /// Connections of one address; 0 is no limit.
    pub connections_per_address: u32,
    /// Requests of one address in a second; 0 is no limit.
    pub requests_per_address: u32,
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A connection.
    Admit {
        /// The client's address is proven.
        validated: bool,
    },
    /// The client is asked to prove its address.
    Retry(Cookie),
    /// Nothing; the guard has counted why.
    Drop,
}

/// What the guard has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GuardStatistics {
    /// Requests turned away because `unvalidated_max` was reached; they were answered with a Retry.
    pub unvalidated_refused: u64,
    /// Requests dropped because their address has all the connections that it may have.
    pub address_refused: u64,
    /// Requests dropped because their address asked too often.
    pub rate_refused: u64,
    /// Requests dropped because their connection has just ended.
    pub late: u64,
    /// Cookies asked for.
    pub retries: u64,
    /// Requests whose cookie was right.
    pub cookies_accepted: u64,
    /// Requests whose cookie was wrong or too old.
    pub cookies_refused: u64,
}

/// What an admitted connection holds of the guard until it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pass {
    /// Counts only if it `is_grouped`; an option of it would be a third larger.
    group: u64,
    is_grouped: bool,
    unvalidated: bool,
}

/// The guard of one driver.
#[derive(Debug)]
pub struct Guard {
    limits: Limits,
    key: CookieKey,
    unvalidated: u32,
    /// Live connections by address; no larger than there are connections.
    addresses: BTreeMap<u64, u32>,
    sketch: Box<[[u16; SKETCH_WIDTH]; SKETCH_ROWS]>,
    window: u64,
    repeats: Repeats,
    closed: ClosedTokens,
    statistics: GuardStatistics,
}

impl Guard {
    /// A guard with a secret from the operating system.
    #[must_use]
    pub fn new(limits: Limits, random: [u8; 16]) -> Self {
        Self {
            limits,
            key: CookieKey::new(random),
            unvalidated: 0,
            addresses: BTreeMap::new(),
            sketch: Box::new([[0; SKETCH_WIDTH]; SKETCH_ROWS]),
            window: 0,
            repeats: Repeats::default(),
            closed: ClosedTokens::default(),
            statistics: GuardStatistics::default(),
        }
    }

    /// A request with a token that no connection has. With `long_answer` the answer would be longer
    /// than the request: the client is asked for a cookie even when there is no load.
    pub fn handle_request(
        &mut self,
        now: Micros,
        source: &NetworkEndpoint,
        token: Token,
        cookie: Option<Cookie>,
        long_answer: bool,
    ) -> Verdict {
        let group = self.group(source);
        if group.is_some_and(|group| self.asks_too_often(now, group)) {
            self.statistics.rate_refused += 1;
            return Verdict::Drop;
        }
        if self.closed.contains(now, &token) {
            self.statistics.late += 1;
            return Verdict::Drop;
        }
        if group.is_some_and(|group| self.has_its_share(group)) {
            self.statistics.address_refused += 1;
            return Verdict::Drop;
        }
        if let Some(cookie) = cookie {
            if self.key.accepts(now, source, token, cookie) {
                self.statistics.cookies_accepted += 1;
                return Verdict::Admit { validated: true };
            }
            self.statistics.cookies_refused += 1;
        }
        let threshold = self.limits.cookie_threshold.min(self.limits.unvalidated_max);
        if self.unvalidated < threshold && !long_answer {
            return Verdict::Admit { validated: false };
        }
        // A client that has no answer to a Retry repeats its request; a flood asks once. One that
        // has may not have got the Retry yet: before it misses the long answer it is asked longer.
        let patience = if long_answer { 2 } else { 1 };
        if self.repeats.handle_request(now, token, &self.key) >= patience {
            if self.unvalidated < self.limits.unvalidated_max {
                return Verdict::Admit { validated: false };
            }
            self.statistics.unvalidated_refused += 1;
        }
        self.statistics.retries += 1;
        Verdict::Retry(self.key.issue(now, source, token))
    }

    /// The request became a connection.
    pub fn handle_admitted(&mut self, source: &NetworkEndpoint, validated: bool) -> Pass {
        let group = self.group(source);
        if let Some(group) = group {
            *self.addresses.entry(group).or_default() += 1;
        }
        self.unvalidated += u32::from(!validated);
        Pass {
            group: group.unwrap_or_default(),
            is_grouped: group.is_some(),
            unvalidated: !validated,
        }
    }

    /// The connection's peer was heard.
    pub fn handle_validated(&mut self, pass: &mut Pass) {
        self.unvalidated -= u32::from(std::mem::take(&mut pass.unvalidated));
    }

    /// The connection ends. A request of its `token` that comes later is not a new one.
    pub fn handle_closed(&mut self, now: Micros, mut pass: Pass, token: Option<Token>) {
        self.handle_validated(&mut pass);
        if let Some(group) = pass.is_grouped.then_some(pass.group)
            && let Some(count) = self.addresses.get_mut(&group)
        {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&group);
            }
        }
        if let Some(token) = token {
            self.closed.insert(now, token);
        }
    }

    /// Connections whose peer was not heard yet.
    #[must_use]
    pub const fn unvalidated(&self) -> u32 {
        self.unvalidated
    }

    /// What was counted.
    #[must_use]
    pub const fn statistics(&self) -> GuardStatistics {
        self.statistics
    }

    /// Bytes that the guard holds, roughly.
    #[must_use]
    pub fn memory(&self) -> usize {
        let entry = 4 * size_of::<u64>();
        size_of_val(&*self.sketch)
            + self.repeats.memory()
            + (self.addresses.len() + super::closed_tokens::CLOSED_TOKENS_MAX) * entry
    }

    /// Whose share an address takes: an IPv4 address, a network of 64 bits in IPv6 (a customer has
    /// one at least), a custom address as it is. What comes from this machine is no stranger's.
    fn group(&self, source: &NetworkEndpoint) -> Option<u64> {
        let address = source.raw_address();
        match source.family() {
            _ if source.is_loopback() => None,
            Family::Ipv4 => {
                Some(u64::from(u32::from_be_bytes(*address.first_chunk()?)) | GROUP_IPV4)
            }
            Family::Ipv6 => Some(u64::from_be_bytes(*address.first_chunk()?)),
            Family::Custom => Some(self.key.hash(DOMAIN_GROUP, &[address])),
            Family::Invalid => None,
        }
    }

    fn has_its_share(&self, group: u64) -> bool {
        let most = self.limits.connections_per_address;
        most > 0 && self.addresses.get(&group).is_some_and(|&count| count >= most)
    }

    /// Counts a request of an address; true when it has made too many within this second.
    fn asks_too_often(&mut self, now: Micros, group: u64) -> bool {
        let most = self.limits.requests_per_address;
        if most == 0 {
            return false;
        }
        let window = now / RATE_WINDOW;
        if window != self.window {
            self.window = window;
            for row in self.sketch.iter_mut() {
                row.fill(0);
            }
        }
        let hash = self.key.hash(DOMAIN_SKETCH, &[&group.to_le_bytes()]);
        let mut least = u16::MAX;
        for (row, counters) in self.sketch.iter_mut().enumerate() {
            let counter = &mut counters[(hash >> (row * 32)) as usize % SKETCH_WIDTH];
            least = least.min(*counter);
            *counter = counter.saturating_add(1);
        }
        u32::from(least) >= most
    }
}

#[cfg(test)]
mod tests;
