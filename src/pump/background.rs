//! The thread of the background pump: it sleeps until the system has something for a driver, and
//! gives it a turn.
//!
//! It sleeps outside of every lock, and does not know what a turn does. The driver's own calls wake
//! it when they have set a timer that it would sleep past.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Pump;
use super::sleeper::{Alarm, Sleeper};
use crate::proto::time::Micros;

/// How soon a turn is tried again that the program's own call stood in the way of; doubled until
/// it is the longest.
const RETRY_FIRST: Duration = Duration::from_micros(50);
const RETRY_LONGEST: Duration = Duration::from_millis(2);

thread_local! {
    /// Where the state of the driver lies that this thread serves.
    static SERVED: Cell<usize> = const { Cell::new(0) };
}

/// How a turn ended.
pub enum Turn {
    /// The next one is due when the system has something, or after so long.
    Sleep(Micros),
    /// The program is inside a call.
    Refused,
    /// There is no driver any more.
    Over,
}

/// What the thread and the driver tell each other.
#[derive(Default)]
struct State {
    ending: AtomicBool,
    /// The driver sleeps in a call of the program, and sees to everything itself.
    waiting: AtomicBool,
    /// When the next turn comes by itself, in the driver's time.
    next_turn: AtomicU64,
}

/// The thread; it ends when this is dropped.
pub struct Background {
    alarm: Alarm,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts it.
    pub fn start(pump: &mut Pump, turn: impl FnMut() -> Turn + Send + 'static) -> io::Result<Self> {
        let (alarm, sleeper) = Alarm::new(pump)?;
        let state = Arc::new(State::default());
        let twin = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("netdriver pump".to_owned())
            .spawn(move || run(&sleeper, &twin, turn))?;
        Ok(Self { alarm, state, thread: Some(thread) })
    }

    /// A turn ends, and the next one comes at `next_turn` at the latest.
    pub fn plan(&self, next_turn: Micros) {
        self.state.next_turn.store(next_turn, Ordering::Release);
    }

    /// Something is due at `due`: wakes the thread if it would sleep past that.
    pub fn expect(&self, due: Micros) {
        if due < self.state.next_turn.load(Ordering::Acquire) {
            // Once is enough until its turn.
            self.plan(due);
            self.wake();
        }
    }

    /// The driver begins to sleep in a call of the program, or has done so.
    pub fn set_waiting(&self, waiting: bool) {
        self.state.waiting.store(waiting, Ordering::Release);
        if !waiting {
            self.wake();
        }
    }

    fn wake(&self) {
        self.alarm.ring(self.thread.as_ref().map(JoinHandle::thread));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.state.ending.store(true, Ordering::Release);
        self.wake();
        // The last owner of a driver may be the thread itself, in its turn.
        if let Some(thread) = self.thread.take()
            && SERVED.try_with(Cell::get) != Ok(Arc::as_ptr(&self.state).addr())
        {
            // A turn that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn run(sleeper: &Sleeper, state: &State, mut turn: impl FnMut() -> Turn) {
    SERVED.set(std::ptr::from_ref(state).addr());
    let mut retry = RETRY_FIRST;
    while !state.ending.load(Ordering::Acquire) {
        match turn() {
            Turn::Sleep(micros) => {
                retry = RETRY_FIRST;
                sleeper.sleep(Duration::from_micros(micros));
            }
            Turn::Refused if state.waiting.load(Ordering::Acquire) => {
                sleeper.sleep_until_alarm();
            }
            Turn::Refused => {
                thread::sleep(retry);
                retry = (retry * 2).min(RETRY_LONGEST);
            }
            Turn::Over => return,
        }
    }
}
