//! How much goes over the network: totals, sizes of packets, bandwidth. One meter per direction.
//!
//! A packet costs a few additions; everything with a point in it is computed when somebody asks.
//! Sizes are told to the meter with an estimate of the headers that the system adds below.

use super::time::{MICROS_PER_MS, Micros};

/// Upper bounds of the size classes but the last.
pub const SIZE_CLASSES: [usize; 4] = [128, 256, 512, 1024];
/// Over how long bandwidth is averaged.
const WINDOW: Micros = 1000 * MICROS_PER_MS;
/// Payload bytes of a full TCP segment on an ordinary path, with timestamps.
pub const SEGMENT_SIZE: usize = 1448;

/// What a meter has found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrafficStatistics {
    /// Bytes, with the estimated headers of IP and UDP or TCP.
    pub bytes: u64,
    /// Packets; for streams the segments that the bytes fill.
    pub packets: u64,
    /// Bytes given to or taken from the system: exact, without those headers.
    pub exact_bytes: u64,
    /// Sizes of packets, headers included.
    pub sizes: PacketSizes,
    /// Bandwidth, headers included.
    pub bandwidth: Bandwidth,
    /// Packets in one update, on average.
    pub queue_mean: f32,
    /// The most packets in one update.
    pub queue_max: u32,
}

/// Sizes of packets in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PacketSizes {
    /// The mean.
    pub mean: f32,
    /// The standard deviation.
    pub deviation: f32,
    /// The smallest; 0 when there was none.
    pub smallest: u32,
    /// The largest.
    pub largest: u32,
    /// How many were below 128 bytes, below 256, 512, 1024, and larger.
    pub classes: [u64; 5],
}

/// Bandwidth in kilobits (1000 bits) per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bandwidth {
    /// Since the driver was created.
    pub mean: f32,
    /// In the last full second.
    pub current: f32,
    /// In the quietest full second; 0 before there was one.
    pub least: f32,
    /// In the busiest full second.
    pub most: f32,
    /// In the busiest update.
    pub burst: f32,
}

/// One direction of one driver.
#[derive(Clone, Debug)]
pub struct Meter {
    bytes: u64,
    packets: u64,
    exact_bytes: u64,
    squares: u128,
    smallest: u32,
    largest: u32,
    classes: [u64; 5],
    /// What came last and is in no sum yet.
    run: Run,
    started: Micros,
    updates: u64,
    queue_max: u32,
    /// At the last update.
    before: Mark,
    /// At the start of the second that goes on.
    window: Mark,
    windows: u64,
    current: f32,
    least: f32,
    most: f32,
    burst: Burst,
}

/// Packets of one size, one after the other.
#[derive(Clone, Copy, Debug)]
struct Run {
    size: usize,
    headers: usize,
    count: u64,
}

/// How far it was when.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Micros,
    bytes: u64,
    packets: u64,
}

/// What the busiest update moved, and in what time: a quotient only when somebody asks.
#[derive(Clone, Copy, Debug)]
struct Burst {
    bytes: u64,
    time: Micros,
}

impl Burst {
    /// The busier one. Times are not 0.
    const fn max(self, other: Self) -> Self {
        let busier =
            self.bytes as u128 * other.time as u128 >= other.bytes as u128 * self.time as u128;
        if busier { self } else { other }
    }
}

/// Kilobits per second.
fn rate(bytes: u64, time: Micros) -> f32 {
    // Bits per microsecond are megabits per second.
    if time == 0 { 0.0 } else { (bytes as f64 * 8000.0 / time as f64) as f32 }
}

impl Meter {
    /// A meter that starts now.
    #[must_use]
    pub const fn new(now: Micros) -> Self {
        let mark = Mark { at: now, bytes: 0, packets: 0 };
        Self {
            bytes: 0,
            packets: 0,
            exact_bytes: 0,
            squares: 0,
            smallest: u32::MAX,
            largest: 0,
            classes: [0; 5],
            run: Run { size: 0, headers: 0, count: 0 },
            started: now,
            updates: 0,
            queue_max: 0,
            before: mark,
            window: mark,
            windows: 0,
            current: 0.0,
            least: 0.0,
            most: 0.0,
            burst: Burst { bytes: 0, time: 1 },
        }
    }

    /// A packet of `size` bytes, to which the system adds `headers`.
    #[inline(always)]
    pub const fn record(&mut self, size: usize, headers: usize) {
        self.record_many(size, headers, 1);
    }

    /// The same for packets that often come several of one size in a row.
    #[inline(always)]
    pub const fn record_alike(&mut self, size: usize, headers: usize) {
        if self.run.size == size && self.run.headers == headers {
            self.run.count += 1;
        } else {
            self.begin_run(size, headers);
        }
    }

    #[inline(never)]
    const fn begin_run(&mut self, size: usize, headers: usize) {
        self.end_run();
        self.run = Run { size, headers, count: 1 };
    }

    /// Adds what came last to the sums.
    const fn end_run(&mut self) {
        let Run { size, headers, count } = self.run;
        self.run.count = 0;
        self.record_many(size, headers, count);
    }

    /// Bytes of a stream, in as many segments as they fill; the system adds `headers` to each.
    #[inline]
    pub const fn record_stream(&mut self, size: usize, headers: usize) {
        let mut rest = size;
        if size >= SEGMENT_SIZE {
            self.record_many(SEGMENT_SIZE, headers, (size / SEGMENT_SIZE) as u64);
            rest = size % SEGMENT_SIZE;
        }
        if rest > 0 {
            self.record_alike(rest, headers);
        }
    }

    #[inline(always)]
    const fn record_many(&mut self, size: usize, headers: usize, count: u64) {
        if count == 0 {
            return;
        }
        let whole = size + headers;
        self.exact_bytes += size as u64 * count;
        self.bytes += whole as u64 * count;
        self.packets += count;
        self.squares += (whole as u128 * whole as u128) * count as u128;
        let narrow = whole as u32;
        if narrow < self.smallest {
            self.smallest = narrow;
        }
        if narrow > self.largest {
            self.largest = narrow;
        }
        let mut class = 0;
        while class < SIZE_CLASSES.len() && whole >= SIZE_CLASSES[class] {
            class += 1;
        }
        self.classes[class] += count;
    }

    /// An update of the driver begins.
    #[inline]
    pub fn handle_update(&mut self, now: Micros) {
        let Run { size, headers, count } = self.run;
        // What came last may go on.
        let bytes = self.bytes + (size + headers) as u64 * count;
        let mark = Mark { at: now, bytes, packets: self.packets + count };
        let packets = u32::try_from(mark.packets - self.before.packets).unwrap_or(u32::MAX);
        self.queue_max = self.queue_max.max(packets);
        self.updates += 1;
        // Two updates in one moment are one.
        if now > self.before.at {
            let moved = Burst { bytes: bytes - self.before.bytes, time: now - self.before.at };
            self.burst = self.burst.max(moved);
            self.before = mark;
        }
        if now.saturating_sub(self.window.at) >= WINDOW {
            self.end_window(mark);
        }
    }

    #[inline(never)]
    fn end_window(&mut self, mark: Mark) {
        let passed = mark.at.saturating_sub(self.window.at);
        let current = rate(mark.bytes - self.window.bytes, passed);
        self.least = if self.windows == 0 { current } else { self.least.min(current) };
        self.most = self.most.max(current);
        self.current = current;
        self.windows += 1;
        self.window = mark;
    }

    /// What was found until now.
    #[must_use]
    pub fn statistics(&self, now: Micros) -> TrafficStatistics {
        let mut whole = self.clone();
        whole.end_run();
        whole.sums(now)
    }

    fn sums(&self, now: Micros) -> TrafficStatistics {
        let count = self.packets.max(1) as f64;
        let mean = self.bytes as f64 / count;
        let variance = self.squares as f64 / count - mean * mean;
        TrafficStatistics {
            bytes: self.bytes,
            packets: self.packets,
            exact_bytes: self.exact_bytes,
            sizes: PacketSizes {
                mean: mean as f32,
                deviation: variance.max(0.0).sqrt() as f32,
                smallest: if self.packets == 0 { 0 } else { self.smallest },
                largest: self.largest,
                classes: self.classes,
            },
            bandwidth: Bandwidth {
                mean: rate(self.bytes, now.saturating_sub(self.started)),
                current: self.current,
                least: self.least,
                most: self.most,
                burst: rate(self.burst.bytes, self.burst.time),
            },
            queue_mean: (self.packets as f64 / self.updates.max(1) as f64) as f32,
            queue_max: self.queue_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Micros = 1000;

    #[test]
    fn nothing_is_nothing() {
        let found = Meter::new(5).statistics(5);
        assert_eq!(found, TrafficStatistics::default());
    }

    #[test]
    fn packets_are_counted_with_and_without_headers() {
        let mut meter = Meter::new(0);
        for size in [100, 99, 228, 484, 996] {
            meter.record(size, 28);
        }
        let found = meter.statistics(0);
        assert_eq!((found.packets, found.exact_bytes), (5, 1907));
        assert_eq!(found.bytes, 1907 + 5 * 28);
        assert_eq!((found.sizes.smallest, found.sizes.largest), (127, 1024));
        assert_eq!(found.sizes.classes, [1, 1, 1, 1, 1]);
        let sizes = [128.0, 127.0, 256.0, 512.0, 1024.0f64];
        let mean = sizes.iter().sum::<f64>() / 5.0;
        let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / 5.0;
        assert!((f64::from(found.sizes.mean) - mean).abs() < 0.01);
        assert!((f64::from(found.sizes.deviation) - variance.sqrt()).abs() < 0.01);
    }

    #[test]
    fn packets_in_a_row_count_as_each_by_itself() {
        let sizes = [(0, 0), (0, 0), (100, 28), (100, 28), (100, 48), (100, 28), (7, 0), (7, 0)];
        let (mut one_by_one, mut alike) = (Meter::new(0), Meter::new(0));
        for (place, &(size, headers)) in sizes.iter().enumerate() {
            one_by_one.record(size, headers);
            alike.record_alike(size, headers);
            let now = place as Micros * 10;
            assert_eq!(alike.statistics(now), one_by_one.statistics(now), "{place}");
            if place % 3 == 2 {
                alike.handle_update(now);
                one_by_one.handle_update(now);
            }
        }
        assert_eq!(alike.statistics(99), one_by_one.statistics(99));
    }

    #[test]
    fn a_stream_fills_segments() {
        let mut meter = Meter::new(0);
        meter.record_stream(2 * SEGMENT_SIZE + 10, 52);
        meter.record_stream(0, 52);
        let found = meter.statistics(0);
        assert_eq!((found.packets, found.exact_bytes), (3, 2906));
        assert_eq!(found.bytes, 2906 + 3 * 52);
        assert_eq!((found.sizes.smallest, found.sizes.largest), (62, 1500));
    }

    #[test]
    fn bandwidth_is_that_of_full_seconds_and_of_the_busiest_update() {
        let mut meter = Meter::new(0);
        // 125 bytes in each of ten updates make 1250 bytes in a second: 10 kbit/s.
        for update in 1..=10 {
            meter.record(125, 0);
            assert_eq!(meter.statistics(0).bandwidth.current, 0.0, "no full second yet");
            meter.handle_update(update * 100 * MS);
        }
        let steady = meter.statistics(1000 * MS).bandwidth;
        assert_eq!((steady.mean, steady.current), (10.0, 10.0));
        assert_eq!((steady.least, steady.most, steady.burst), (10.0, 10.0, 10.0));
        // A second with all of it at once, and one with nothing.
        meter.record(2500, 0);
        meter.handle_update(1100 * MS);
        meter.handle_update(2000 * MS);
        meter.handle_update(3000 * MS);
        let found = meter.statistics(4000 * MS).bandwidth;
        assert_eq!((found.least, found.most, found.current), (0.0, 20.0, 0.0));
        assert_eq!((found.burst, found.mean), (200.0, 7.5));
    }

    #[test]
    fn the_queue_is_what_one_update_moves() {
        let mut meter = Meter::new(0);
        for (update, count) in [1, 5, 0, 2].into_iter().enumerate() {
            for _ in 0..count {
                meter.record(10, 28);
            }
            meter.handle_update((update as Micros + 1) * MS);
        }
        let found = meter.statistics(4 * MS);
        assert_eq!((found.queue_max, found.queue_mean), (5, 2.0));
    }

    #[test]
    fn time_that_stands_still_or_jumps_is_no_infinite_bandwidth() {
        let mut meter = Meter::new(9);
        meter.record(1000, 0);
        meter.handle_update(9);
        assert_eq!(meter.statistics(9).bandwidth, Bandwidth::default());
        meter.handle_update(Micros::MAX);
        assert!(meter.statistics(Micros::MAX).bandwidth.burst.is_finite());
    }
}
