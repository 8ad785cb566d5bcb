//! What threads may do with drivers, through the C ABI: use one each, hand one over, meet in one,
//! destroy one that others hold, wake one that waits.
//!
//! The same program runs under the thread sanitizer (`cargo xtask test --only tsan`), which sees
//! the library's locks but not those of Rust's standard library: threads here meet through atomics
//! and by being joined, one by one, since the sanitizer does not see how a scope ends.
#![allow(unsafe_code, reason = "the tests call the C ABI as C does")]
#![allow(clippy::disallowed_methods, reason = "threads are the point")]

use std::ffi::{c_char, c_void};
use std::mem::zeroed;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, ScopedJoinHandle};

use netdriver::ffi::admission::nd_driver_listen;
use netdriver::ffi::codes::*;
use netdriver::ffi::connections::{nd_driver_accept, nd_driver_connect};
use netdriver::ffi::drivers::{
    nd_driver_add_interface, nd_driver_bind, nd_driver_create, nd_driver_destroy,
    nd_driver_get_local_endpoint, nd_driver_update, nd_driver_wait,
};
use netdriver::ffi::endpoints::nd_endpoint_parse;
use netdriver::ffi::events::{nd_driver_get_event_count, nd_driver_pop_event};
use netdriver::ffi::interfaces::nd_driver_wake;
use netdriver::ffi::library::nd_log_set_callback;
use netdriver::ffi::multi::{
    nd_multi_driver_create, nd_multi_driver_destroy, nd_multi_driver_update,
};
use netdriver::ffi::sends::nd_driver_send;
use netdriver::ffi::settings::{nd_interface_settings_init, nd_settings_init};
use netdriver::ffi::structs::{
    nd_connection, nd_driver, nd_endpoint, nd_event, nd_interface_settings, nd_settings,
};

#[path = "threads/jobs.rs"]
mod jobs;

/// Rounds of a millisecond at most, after which what was waited for does not happen.
const ROUNDS_MAX: usize = 20_000;
/// Messages that a test sends.
const MESSAGES: u32 = 50;
/// Threads that do the same at once.
const THREADS: u32 = 4;

/// Who moves the bytes of a driver.
#[derive(Clone, Copy)]
enum Pump {
    Calls = 0,
    /// A thread of the library, between calls.
    Background = 1,
}

/// A driver's handle, which any thread may hold.
#[derive(Clone, Copy)]
struct Handle(*mut nd_driver);

// SAFETY: a handle is a number in the shape of a pointer; the library checks it in each call.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    fn create(kind: u32) -> Self {
        Self::create_with(kind, Pump::Calls)
    }

    fn create_with(kind: u32, pump: Pump) -> Self {
        let mut driver = null_mut();
        let mut index = 0;
        // SAFETY: all zeros is a value of these structs of integers and pointers; every pointer is
        // to a variable that outlives the call.
        unsafe {
            let mut settings: nd_settings = zeroed();
            ok(nd_settings_init(&mut settings));
            settings.background_pump = pump as i32;
            ok(nd_driver_create(&settings, &mut driver));
            let mut interface: nd_interface_settings = zeroed();
            ok(nd_interface_settings_init(&mut interface, kind));
            ok(nd_driver_add_interface(driver, &interface, &mut index));
        }
        Self(driver)
    }

    /// Listens at an address that the system chooses, and returns it.
    fn listen(self) -> nd_endpoint {
        // SAFETY: as in `create_with`; the text ends with a zero.
        unsafe {
            let mut endpoint: nd_endpoint = zeroed();
            let address = c"127.0.0.1".as_ptr();
            ok(nd_endpoint_parse(address, 0, ND_FAMILY_INVALID, &mut endpoint));
            ok(nd_driver_bind(self.0, 0, &endpoint, null_mut()));
            ok(nd_driver_get_local_endpoint(self.0, 0, 0, &mut endpoint));
            ok(nd_driver_listen(self.0));
            endpoint
        }
    }

    fn connect(self, server: &nd_endpoint) -> nd_connection {
        let mut connection = 0;
        // SAFETY: as in `create_with`; no payload.
        ok(unsafe { nd_driver_connect(self.0, 0, server, null(), 0, &mut connection) });
        connection
    }

    fn accept(self) -> Option<nd_connection> {
        let mut connection = 0;
        // SAFETY: as in `create_with`.
        ok(unsafe { nd_driver_accept(self.0, &mut connection) });
        (connection != 0).then_some(connection)
    }

    fn send(self, connection: nd_connection, number: u32) -> nd_result {
        let data = number.to_le_bytes();
        // SAFETY: four bytes, copied in the call.
        unsafe { nd_driver_send(self.0, connection, 0, data.as_ptr(), 4, 0) }
    }

    /// The next event: its kind, and the number that a message holds.
    fn pop(self) -> Option<(i32, u32)> {
        // SAFETY: as in `create_with`; a message's bytes live until the next update.
        unsafe {
            let mut event: nd_event = zeroed();
            ok(nd_driver_pop_event(self.0, &mut event));
            let number = match event.data_length {
                4 => event.data.cast::<[u8; 4]>().read(),
                _ => [0; 4],
            };
            (event.kind != ND_EVENT_EMPTY).then_some((event.kind, u32::from_le_bytes(number)))
        }
    }

    fn update(self) -> nd_result {
        nd_driver_update(self.0)
    }

    fn wait(self, timeout_ms: u32) -> nd_result {
        // SAFETY: nothing is asked to be written.
        unsafe { nd_driver_wait(self.0, timeout_ms, null_mut()) }
    }

    fn wake(self) -> nd_result {
        nd_driver_wake(self.0)
    }

    /// Asks for the number of events that wait.
    fn count(self) -> nd_result {
        let mut count = 0;
        // SAFETY: as in `create_with`.
        unsafe { nd_driver_get_event_count(self.0, 0, &mut count) }
    }

    fn destroy(self) -> nd_result {
        nd_driver_destroy(self.0)
    }
}

#[track_caller]
fn ok(result: nd_result) {
    assert_eq!(result, ND_OK);
}

/// Updates a driver and tries again until there is a value.
#[track_caller]
fn until<T>(driver: Handle, what: &str, mut round: impl FnMut() -> Option<T>) -> T {
    for _ in 0..ROUNDS_MAX {
        ok(driver.update());
        if let Some(value) = round() {
            return value;
        }
        ok(driver.wait(1));
    }
    panic!("this did not happen in time: {what}");
}

/// Sends back what comes until `MESSAGES` have come.
fn echo(server: Handle) {
    let client = until(server, "a client", || server.accept());
    for expected in 0..MESSAGES {
        let event = until(server, "a message", || server.pop());
        assert_eq!(event, (ND_EVENT_DATA, expected));
        ok(server.send(client, expected));
    }
    ok(server.update());
}

/// Connects, and sends a message when the one before has come back.
fn converse(client: Handle, server: &nd_endpoint) {
    let connection = client.connect(server);
    let event = until(client, "the connection", || client.pop());
    assert_eq!(event.0, ND_EVENT_CONNECT);
    for number in 0..MESSAGES {
        ok(client.send(connection, number));
        let event = until(client, "the echo", || client.pop());
        assert_eq!(event, (ND_EVENT_DATA, number));
    }
}

/// Runs the same work on several threads at once, and `meanwhile` until all of them are done.
fn at_once(work: impl Fn(u32) + Sync, mut meanwhile: impl FnMut()) {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..THREADS).map(|at| scope.spawn(move || work(at))).collect();
        while !threads.iter().all(ScopedJoinHandle::is_finished) {
            meanwhile();
        }
        for thread in threads {
            thread.join().expect("its checks hold");
        }
    });
}

fn between_two_threads(kind: u32, pump: Pump) {
    let server = Handle::create_with(kind, pump);
    let address = server.listen();
    let client = thread::spawn(move || {
        let client = Handle::create_with(kind, pump);
        converse(client, &address);
        ok(client.destroy());
    });
    echo(server);
    client.join().expect("its checks hold");
    ok(server.destroy());
}

#[test]
fn drivers_of_two_threads_talk_over_udp() {
    between_two_threads(ND_INTERFACE_UDP, Pump::Calls);
}

#[test]
fn drivers_of_two_threads_talk_over_tcp() {
    between_two_threads(ND_INTERFACE_TCP, Pump::Calls);
}

#[test]
fn drivers_of_two_threads_talk_within_the_process() {
    between_two_threads(ND_INTERFACE_IPC, Pump::Calls);
}

#[test]
fn background_pumps_work_beside_the_calls_of_two_threads() {
    for kind in [ND_INTERFACE_UDP, ND_INTERFACE_TCP, ND_INTERFACE_IPC] {
        between_two_threads(kind, Pump::Background);
    }
}

#[test]
fn threads_create_use_and_destroy_drivers_at_once() {
    let turns = |_| {
        for pump in [Pump::Calls, Pump::Background].repeat(10) {
            let driver = Handle::create_with(ND_INTERFACE_UDP, pump);
            driver.listen();
            ok(driver.update());
            ok(driver.destroy());
            assert_eq!(driver.update(), ND_ERROR_INVALID_HANDLE);
        }
    };
    at_once(turns, thread::yield_now);
}

#[test]
fn drivers_that_come_and_go_do_not_disturb_others() {
    let driver = Handle::create(ND_INTERFACE_UDP);
    let create = || {
        let mut multi = null_mut();
        // SAFETY: as in `create_with`.
        ok(unsafe { nd_multi_driver_create(&mut multi) });
        multi
    };
    let collection = create();
    let come_and_go = |_| {
        for _ in 0..100 {
            ok(Handle::create(ND_INTERFACE_IPC).destroy());
            ok(nd_multi_driver_destroy(create()));
        }
    };
    let use_others = || {
        ok(driver.update());
        ok(nd_multi_driver_update(collection));
    };
    at_once(come_and_go, use_others);
    ok(nd_multi_driver_destroy(collection));
    ok(driver.destroy());
}

#[test]
fn a_driver_moves_from_thread_to_thread() {
    let server = Handle::create(ND_INTERFACE_IPC);
    let address = server.listen();
    let client = Handle::create(ND_INTERFACE_IPC);
    client.connect(&address);
    let incoming = thread::spawn(move || {
        let both = || {
            ok(client.update());
            server.accept()
        };
        until(server, "a client", both)
    });
    let incoming = incoming.join().expect("ends");
    for number in 0..MESSAGES {
        let thread = thread::spawn(move || {
            ok(server.send(incoming, number));
            ok(server.update());
            let data = || client.pop().filter(|event| event.0 == ND_EVENT_DATA);
            assert_eq!(until(client, "a message", data).1, number);
        });
        thread.join().expect("ends");
    }
    ok(thread::spawn(move || client.destroy()).join().expect("ends"));
    ok(server.destroy());
}

/// Whoever finds the driver in use tries again: what was accepted arrives, once each.
#[test]
fn threads_that_meet_in_a_driver_are_told_and_nothing_is_lost() {
    let server = Handle::create(ND_INTERFACE_IPC);
    let address = server.listen();
    let client = Handle::create(ND_INTERFACE_IPC);
    let connection = client.connect(&address);
    until(server, "a client", || {
        ok(client.update());
        server.accept()
    });
    until(client, "the connection", || client.pop());
    let mut numbers = Vec::new();
    let mut receive = || {
        ok(server.update());
        while let Some((kind, number)) = server.pop() {
            assert_eq!(kind, ND_EVENT_DATA);
            numbers.push(number);
        }
    };
    let send = |thread| {
        for message in 0..MESSAGES {
            send_when_free(client, connection, thread * MESSAGES + message);
        }
    };
    at_once(send, &mut receive);
    receive();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..THREADS * MESSAGES));
    ok(client.destroy());
    ok(server.destroy());
}

/// Sends and flushes, however often another thread is in the way.
fn send_when_free(client: Handle, connection: nd_connection, number: u32) {
    let mut sent = false;
    loop {
        let result = if sent { client.update() } else { client.send(connection, number) };
        match result {
            ND_OK if sent => return,
            ND_OK => sent = true,
            ND_ERROR_DRIVER_IN_USE => thread::yield_now(),
            ND_ERROR_NETWORK_SEND_QUEUE_FULL => {
                let update = client.update();
                assert!(matches!(update, ND_OK | ND_ERROR_DRIVER_IN_USE));
            }
            other => panic!("a send gave {other}"),
        }
    }
}

#[test]
fn a_driver_that_another_thread_destroys_is_an_invalid_handle() {
    const KNOWN: [nd_result; 3] = [ND_OK, ND_ERROR_DRIVER_IN_USE, ND_ERROR_INVALID_HANDLE];
    for _ in 0..10 {
        let driver = Handle::create(ND_INTERFACE_UDP);
        driver.listen();
        let begun = AtomicU32::new(0);
        let hammer = |_| {
            begun.fetch_add(1, Ordering::Relaxed);
            loop {
                let results = [driver.wake(), driver.count(), driver.update()];
                assert!(results.iter().all(|result| KNOWN.contains(result)), "{results:?}");
                if results[2] == ND_ERROR_INVALID_HANDLE {
                    return;
                }
            }
        };
        let mut destroyed = 0;
        let destroy = || {
            if begun.load(Ordering::Relaxed) == THREADS && driver.destroy() == ND_OK {
                destroyed += 1;
            }
            thread::yield_now();
        };
        at_once(hammer, destroy);
        assert_eq!(destroyed, 1);
        assert_eq!(driver.destroy(), ND_ERROR_INVALID_HANDLE);
    }
}

#[test]
fn any_thread_wakes_a_driver_that_waits() {
    let driver = Handle::create(ND_INTERFACE_UDP);
    driver.listen();
    for _ in 0..10 {
        // A wait that nothing ends would take a minute.
        let waiting = thread::spawn(move || ok(driver.wait(60_000)));
        at_once(|_| ok(driver.wake()), thread::yield_now);
        waiting.join().expect("its checks hold");
    }
    ok(driver.destroy());
}

/// Lines of the log that came while a test listened.
static LINES: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn count_line(_level: u32, _text: *const c_char, _user: *mut c_void) {
    LINES.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn the_log_takes_lines_of_every_thread_and_may_be_changed_meanwhile() {
    let listen = || ok(nd_log_set_callback(ND_LOG_INFO, Some(count_line), null_mut()));
    let change = || {
        ok(nd_log_set_callback(0, None, null_mut()));
        listen();
        thread::yield_now();
    };
    listen();
    at_once(|_| between_two_threads(ND_INTERFACE_IPC, Pump::Calls), change);
    ok(nd_log_set_callback(0, None, null_mut()));
    assert!(LINES.load(Ordering::Relaxed) > 0);
}
