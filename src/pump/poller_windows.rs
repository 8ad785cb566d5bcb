//! What the system reports of sockets on Windows, where no handle says that there is something to
//! report.
//!
//! As long as nobody sleeps elsewhere, the pump asks the system itself. From the first time on that
//! somebody wants to, a thread sleeps in the system, puts what it is told on a board, wakes those
//! who sleep on the board, and sets the program's event while something is on it. The pump takes
//! it from there. The thread knows no socket and touches none.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Registry, Token};
use parking_lot::Mutex;
use winsafe::HEVENT;
use winsafe::guard::CloseHandleGuard;

use super::sleeper::Watcher;
use super::told::Told;
use super::{Bell, EVENTS_MAX, StreamId};

/// How soon the thread asks again after the system has failed.
const RETRY: Duration = Duration::from_millis(10);

/// What the system has reported of one socket.
#[derive(Clone, Copy)]
pub struct Report {
    token: Token,
    readable: bool,
    writable: bool,
    error: bool,
    read_closed: bool,
    write_closed: bool,
}

impl Report {
    fn of(event: &Event) -> Self {
        Self {
            token: event.token(),
            readable: event.is_readable(),
            writable: event.is_writable(),
            error: event.is_error(),
            read_closed: event.is_read_closed(),
            write_closed: event.is_write_closed(),
        }
    }

    /// What the socket was registered under.
    pub const fn token(&self) -> Token {
        self.token
    }

    /// There is something to receive.
    pub const fn is_readable(&self) -> bool {
        self.readable
    }

    /// There is room.
    pub const fn is_writable(&self) -> bool {
        self.writable
    }

    /// The socket has failed.
    pub const fn is_error(&self) -> bool {
        self.error
    }

    /// The peer sends no more.
    pub const fn is_read_closed(&self) -> bool {
        self.read_closed
    }

    /// The peer takes no more.
    pub const fn is_write_closed(&self) -> bool {
        self.write_closed
    }
}

/// Where the thread leaves what it was told.
#[derive(Default)]
pub struct Board {
    state: Mutex<State>,
    ending: AtomicBool,
}

#[derive(Default)]
struct State {
    told: Told<Report>,
    sleepers: Vec<Thread>,
    /// The program's; set while there is something.
    event: Option<CloseHandleGuard<HEVENT>>,
}

impl State {
    /// The event says what is the case.
    fn show(&self) {
        if let Some(event) = &self.event {
            // A handle that is ours and open can be set.
            let _ = if self.told.is_empty() { event.ResetEvent() } else { event.SetEvent() };
        }
    }
}

impl Board {
    /// Puts something here.
    fn post(&self, outcome: io::Result<()>, events: &Events) {
        let mut state = self.state.lock();
        state.told.add(outcome.map(|()| events.iter().map(Report::of)));
        state.show();
        for sleeper in &state.sleepers {
            sleeper.unpark();
        }
    }

    /// Takes all reports, or the failure if there are none; says how often something was put here.
    fn take(&self, reports: &mut Vec<Report>) -> io::Result<u64> {
        let mut state = self.state.lock();
        let outcome = state.told.take(reports);
        state.show();
        outcome
    }

    /// Sleeps until there is something on one of the boards, `enough` says so, or the time is
    /// over. Whoever makes `enough` true unparks the thread.
    #[allow(clippy::disallowed_methods, reason = "this is the module that may")]
    pub fn sleep<'a>(
        boards: impl Iterator<Item = &'a Self> + Clone,
        most: Duration,
        enough: impl Fn() -> bool,
    ) {
        let this = thread::current();
        for board in boards.clone() {
            board.state.lock().sleepers.push(this.clone());
        }
        // Longer than the clock can say is for ever.
        let end = Instant::now().checked_add(most);
        while !enough() && boards.clone().all(|board| board.state.lock().told.is_empty()) {
            let Some(end) = end else {
                thread::park();
                continue;
            };
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            thread::park_timeout(rest);
        }
        for board in boards {
            let sleepers = &mut board.state.lock().sleepers;
            if let Some(place) = sleepers.iter().position(|other| other.id() == this.id()) {
                sleepers.swap_remove(place);
            }
        }
    }
}

/// The thread that asks the system in place of the pump; it ends when this is dropped.
struct Watch {
    board: Arc<Board>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
    /// How often something had been put on the board when it was emptied last.
    taken: u64,
    /// Ids of streams that reports may name which are not on the board yet.
    resting: Vec<StreamId>,
    /// How often something had been put on the board when these began to rest.
    resting_since: u64,
}

impl Watch {
    fn start(poll: &mut Option<Poll>, bell: &Arc<Bell>) -> io::Result<Self> {
        let board = Arc::new(Board::default());
        let handed = Arc::new(Mutex::new(poll.take()));
        let (twin, mine) = (Arc::clone(&board), Arc::clone(&handed));
        let started = thread::Builder::new().name("netdriver poll".to_owned()).spawn(move || {
            let poll = mine.lock().take();
            if let Some(poll) = poll {
                run(poll, &twin);
            }
        });
        if started.is_err() {
            *poll = handed.lock().take();
        }
        Ok(Self {
            board,
            bell: Arc::clone(bell),
            thread: Some(started?),
            taken: 0,
            resting: Vec::new(),
            resting_since: 0,
        })
    }

    fn recycle(&mut self, closed: &mut Vec<StreamId>, free: &mut Vec<StreamId>) {
        // A report from before that round is off the board by now.
        if self.taken > self.resting_since {
            free.append(&mut self.resting);
        }
        if self.resting.is_empty() && !closed.is_empty() {
            self.resting.append(closed);
            self.resting_since = self.board.state.lock().told.rounds();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.board.ending.store(true, Ordering::Release);
        self.bell.wake();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

/// Asks the system, once more where it answers early that there is nothing: a change of what is
/// asked for ends a sleep.
#[allow(clippy::disallowed_methods, reason = "this is the module that may")]
fn ask(poll: &mut Poll, events: &mut Events, most: Duration) -> io::Result<()> {
    if most.is_zero() {
        return poll.poll(events, Some(most));
    }
    // Longer than the clock can say is for ever.
    let end = Instant::now().checked_add(most);
    let mut rest = Some(most);
    loop {
        poll.poll(events, rest)?;
        rest = end.map(|end| end.saturating_duration_since(Instant::now()));
        if !events.is_empty() || rest.is_some_and(|rest| rest.is_zero()) {
            return Ok(());
        }
    }
}

fn run(mut poll: Poll, board: &Board) {
    let mut events = Events::with_capacity(EVENTS_MAX);
    while !board.ending.load(Ordering::Acquire) {
        let outcome = poll.poll(&mut events, None);
        let failed = outcome.is_err();
        board.post(outcome, &events);
        if failed {
            thread::sleep(RETRY);
        }
    }
}

/// The system's poll, and what it has reported last.
pub struct Poller {
    registry: Registry,
    events: Events,
    reports: Vec<Report>,
    /// `None` once a thread has it.
    poll: Option<Poll>,
    watch: Option<Watch>,
}

impl Poller {
    /// A poll without sockets.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        Ok(Self {
            registry: poll.registry().try_clone()?,
            events: Events::with_capacity(EVENTS_MAX),
            reports: Vec::new(),
            poll: Some(poll),
            watch: None,
        })
    }

    /// Where sockets are registered.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Asks what is ready, waiting at most so long; `None` is for ever. Here it is never a few of
    /// it.
    pub fn poll(&mut self, most: Option<Duration>, _few: bool) -> io::Result<()> {
        let most = most.unwrap_or(Duration::MAX);
        self.reports.clear();
        if let Some(poll) = &mut self.poll {
            ask(poll, &mut self.events, most)?;
            self.reports.extend(self.events.iter().map(Report::of));
        } else if let Some(watch) = &mut self.watch {
            if !most.is_zero() {
                Board::sleep([&*watch.board].into_iter(), most, || false);
            }
            watch.taken = watch.board.take(&mut self.reports)?;
        }
        Ok(())
    }

    /// How many reports it gives at most.
    #[allow(clippy::unused_self, reason = "one signature for every system")]
    pub const fn most(&self, _few: bool) -> usize {
        EVENTS_MAX
    }

    /// What was reported.
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// Lets ids of streams that were taken out be used again, as soon as no report can name them.
    pub fn recycle(&mut self, closed: &mut Vec<StreamId>, free: &mut Vec<StreamId>) {
        match &mut self.watch {
            Some(watch) => watch.recycle(closed, free),
            None => free.append(closed),
        }
    }

    /// What sleeps until there is something to poll, without the poll.
    pub fn watcher(&mut self, bell: &Arc<Bell>) -> io::Result<Watcher> {
        Ok(Watcher::new(Arc::clone(&self.watch(bell)?.board)))
    }

    /// The number of the event that is set while there is something to poll.
    pub fn descriptor(&mut self, bell: &Arc<Bell>) -> io::Result<i64> {
        let mut state = self.watch(bell)?.board.state.lock();
        if state.event.is_none() {
            let event = HEVENT::CreateEvent(None, true, false, None);
            state.event =
                Some(event.map_err(|code| io::Error::from_raw_os_error(code.raw() as i32))?);
            state.show();
        }
        Ok(state.event.as_ref().map_or(0, |event| event.ptr().addr() as i64))
    }

    /// From now on a thread asks the system.
    fn watch(&mut self, bell: &Arc<Bell>) -> io::Result<&Watch> {
        let watch = match self.watch.take() {
            Some(watch) => watch,
            None => Watch::start(&mut self.poll, bell)?,
        };
        Ok(self.watch.insert(watch))
    }
}
