//! Several drivers as one: numbers for drivers, and calls that go to all of them, or to the one
//! whose connection it is.
//!
//! Each driver puts its number into the values of its connections, so that these say whose they
//! are. Nothing here receives or sends.

use std::time::Duration;

use super::{Connection, ConnectionState, Event, MessageKind, NetworkDriver, SendHandle};
use crate::error::{Error, Result, Status};
use crate::proto::endpoint::NetworkEndpoint;
use crate::proto::time::{MICROS_PER_MS, Micros};
use crate::pump::{Clock, Watcher};
use crate::settings::PipelineStage;

/// Drivers that one [`MultiNetworkDriver`] may hold: a byte, without 0.
pub const MULTI_DRIVERS_MAX: usize = 255;

/// How a collection reaches one of its drivers: it owns it, or knows where it is.
pub trait DriverPlace {
    /// Lets `body` use the driver.
    ///
    /// # Errors
    /// The driver is gone, or somebody else uses it now.
    fn with<R>(&mut self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R>;
}

impl DriverPlace for NetworkDriver {
    fn with<R>(&mut self, body: impl FnOnce(&mut NetworkDriver) -> R) -> Result<R> {
        Ok(body(self))
    }
}

/// A message that is being written in place, and whose driver's it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MultiSend {
    /// The driver's number.
    pub driver: u8,
    /// The message within it.
    pub handle: SendHandle,
}

/// Several drivers that a program uses as one, as Unity Transport's `MultiNetworkDriver`: with
/// different settings, or in place of interfaces. Drivers have numbers from 1 on, and a
/// connection's value says whose it is, also to the driver itself.
#[derive(Default)]
pub struct MultiNetworkDriver<D: DriverPlace = NetworkDriver> {
    drivers: Vec<D>,
    /// What a wait sleeps on, driver for driver.
    watchers: Vec<Watcher>,
}

impl<D: DriverPlace> MultiNetworkDriver<D> {
    /// A collection without drivers.
    #[must_use]
    pub const fn new() -> Self {
        Self { drivers: Vec::new(), watchers: Vec::new() }
    }

    /// Adds a driver and gives it a number, from 1 on. It may be bound and listen.
    ///
    /// # Errors
    /// [`Status::NetworkStateMismatch`] when it has, or had, connections, or has a number already;
    /// [`Status::InvalidArgument`] when it has not as many pipelines as the others;
    /// [`Status::LimitReached`] above [`MULTI_DRIVERS_MAX`]; [`Status::NetworkSocketError`] when
    /// the system has no descriptor left.
    pub fn add_driver(&mut self, mut driver: D) -> Result<u8> {
        let number = self.drivers.len() + 1;
        if number > MULTI_DRIVERS_MAX {
            let text = format!("a collection has at most {MULTI_DRIVERS_MAX} drivers");
            return Err(Error::new(Status::LimitReached, text));
        }
        let number = number as u8;
        let pipelines = self.pipeline_count()?;
        let watcher = driver.with(|driver| {
            if pipelines.is_some_and(|wanted| wanted != driver.pipeline_count()) {
                return Err(unequal());
            }
            let watcher = driver.pump.watcher();
            let watcher =
                watcher.map_err(|error| Error::socket("cannot watch a driver", &error))?;
            driver.connections.set_driver(number)?;
            Ok(watcher)
        })??;
        self.drivers.push(driver);
        self.watchers.push(watcher);
        Ok(number)
    }

    /// How many pipelines each driver has; `None` without drivers.
    fn pipeline_count(&mut self) -> Result<Option<usize>> {
        let mut counts = Vec::with_capacity(self.drivers.len());
        for driver in &mut self.drivers {
            counts.push(driver.with(|driver| driver.pipeline_count())?);
        }
        counts.dedup();
        if counts.len() > 1 { Err(unequal()) } else { Ok(counts.pop()) }
    }

    /// Makes a pipeline in every driver, or in none when one of them cannot, as
    /// [`NetworkDriver::create_pipeline`]; it has one number in all of them.
    ///
    /// # Errors
    /// As [`NetworkDriver::create_pipeline`]; [`Status::InvalidArgument`] when the drivers have not
    /// the same number of pipelines, or there is none. Stages of the program must have been
    /// registered alike in all of them.
    pub fn create_pipeline(&mut self, stages: &[PipelineStage]) -> Result<u8> {
        self.create_pipeline_of(|_| Ok(stages.to_vec()))
    }

    /// The same with stages that each driver's settings are asked for.
    ///
    /// # Errors
    /// As [`create_pipeline`](Self::create_pipeline), and what `stages` says.
    pub fn create_pipeline_of(
        &mut self,
        mut stages: impl FnMut(&NetworkDriver) -> Result<Vec<PipelineStage>>,
    ) -> Result<u8> {
        if self.pipeline_count()?.is_none() {
            return Err(Error::argument("there is no driver yet; add one first"));
        }
        // All or none: what could keep one of them from it is asked before.
        self.all(|driver| {
            let stages = stages(driver)?;
            driver.check_stages(&stages)
        })?;
        let mut made = 0;
        for driver in &mut self.drivers {
            made = driver.with(|driver| {
                let stages = stages(driver)?;
                driver.create_pipeline(&stages)
            })??;
        }
        Ok(made)
    }

    /// How many drivers there are.
    #[must_use]
    pub fn driver_count(&self) -> usize {
        self.drivers.len()
    }

    /// A driver by its number.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`]: there is none of that number.
    pub fn driver(&mut self, number: u8) -> Result<&mut D> {
        let count = self.drivers.len();
        let place = usize::from(number).checked_sub(1);
        place.and_then(|place| self.drivers.get_mut(place)).ok_or_else(|| {
            Error::argument(format!("there is no driver {number}; they are 1 to {count}"))
        })
    }

    /// The driver of a connection.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`]: it is no connection of these drivers.
    pub fn driver_for_connection(&mut self, connection: Connection) -> Result<&mut D> {
        self.driver(connection.driver()).map_err(|_| {
            let text = "the connection is of none of these drivers";
            Error::new(Status::NetworkIdMismatch, text)
        })
    }

    /// All drivers, in the order of their numbers.
    pub fn drivers(&mut self) -> impl Iterator<Item = &mut D> {
        self.drivers.iter_mut()
    }

    /// Does something with every driver; what the first that failed said.
    fn all(&mut self, mut body: impl FnMut(&mut NetworkDriver) -> Result<()>) -> Result<()> {
        let mut outcome = Ok(());
        for driver in &mut self.drivers {
            let one = driver.with(&mut body).and_then(|outcome| outcome);
            outcome = outcome.and(one);
        }
        outcome
    }

    /// The first answer that a driver has, in the order of their numbers. Drivers that cannot be
    /// reached have none.
    pub fn first<R>(&mut self, mut body: impl FnMut(&mut NetworkDriver) -> Option<R>) -> Option<R> {
        self.drivers.iter_mut().find_map(|driver| driver.with(&mut body).ok().flatten())
    }

    /// Does something with the driver of a connection.
    ///
    /// # Errors
    /// [`Status::NetworkIdMismatch`], and what `body` says.
    pub fn for_connection<R>(
        &mut self,
        connection: Connection,
        body: impl FnOnce(&mut NetworkDriver) -> Result<R>,
    ) -> Result<R> {
        self.driver_for_connection(connection)?.with(body)?
    }

    /// Updates every driver; all of them, also when one fails.
    ///
    /// # Errors
    /// As [`NetworkDriver::update`] of the first that failed.
    pub fn update(&mut self) -> Result<()> {
        self.all(NetworkDriver::update)
    }

    /// Sends what waits in every driver.
    ///
    /// # Errors
    /// As [`NetworkDriver::flush`] of the first that failed.
    pub fn flush(&mut self) -> Result<()> {
        self.all(NetworkDriver::flush)
    }

    /// Sleeps until an update would bring something, until one of the drivers is woken, or until
    /// the time is over. It sleeps for all of them at once; where the system cannot do that
    /// (Windows), it looks each millisecond.
    ///
    /// # Errors
    /// As [`NetworkDriver::wait`].
    pub fn wait(&mut self, timeout_ms: u32) -> Result<bool> {
        let clock = Clock::new();
        let end = clock.now() + Micros::from(timeout_ms) * MICROS_PER_MS;
        loop {
            let (mut ready, mut woken, mut due) = (false, false, Micros::MAX);
            self.all(|driver| {
                let (news, called) = driver.look_for_news()?;
                ready |= news;
                woken |= called;
                due = due.min(driver.until_due());
                Ok(())
            })?;
            let rest = end.saturating_sub(clock.now());
            if ready || woken || rest == 0 || self.drivers.is_empty() {
                return Ok(ready);
            }
            Watcher::wait_for_any(&self.watchers, Duration::from_micros(due.min(rest)));
        }
    }

    /// Takes the oldest connection that came from outside, of the first driver that has one.
    pub fn accept(&mut self) -> Option<Connection> {
        self.first(NetworkDriver::accept)
    }

    /// Pops the oldest event of the first driver that has one.
    pub fn pop_event(&mut self) -> Option<Event> {
        self.first(NetworkDriver::pop_event)
    }

    /// Pops the oldest event of one connection; `None` for a stale one.
    pub fn pop_event_for_connection(&mut self, connection: Connection) -> Option<Event> {
        let popped = self
            .for_connection(connection, |driver| Ok(driver.pop_event_for_connection(connection)));
        popped.ok().flatten()
    }

    /// Connects over the first interface of a driver, as [`NetworkDriver::connect`].
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] (no such driver), and as [`NetworkDriver::connect`].
    pub fn connect(
        &mut self,
        driver: u8,
        endpoint: &NetworkEndpoint,
        payload: &[u8],
    ) -> Result<Connection> {
        self.driver(driver)?.with(|driver| driver.connect(0, endpoint, payload))?
    }

    /// Closes a connection, as [`NetworkDriver::disconnect`].
    ///
    /// # Errors
    /// As [`NetworkDriver::disconnect`].
    pub fn disconnect(&mut self, connection: Connection) -> Result<()> {
        self.for_connection(connection, |driver| driver.disconnect(connection))
    }

    /// The state of a connection; Disconnected for a stale or unknown one.
    pub fn connection_state(&mut self, connection: Connection) -> ConnectionState {
        let state =
            self.for_connection(connection, |driver| Ok(driver.connection_state(connection)));
        state.unwrap_or(ConnectionState::Disconnected)
    }

    /// How many events of a connection can be popped now; 0 for a stale one.
    pub fn event_queue_size(&mut self, connection: Connection) -> u32 {
        let size =
            self.for_connection(connection, |driver| Ok(driver.event_queue_size(connection)));
        size.unwrap_or(0)
    }

    /// Sends one message, as [`NetworkDriver::send_as`].
    ///
    /// # Errors
    /// As [`NetworkDriver::send_as`].
    pub fn send_as(
        &mut self,
        connection: Connection,
        pipeline: u8,
        kind: MessageKind,
        data: &[u8],
    ) -> Result<()> {
        self.for_connection(connection, |driver| driver.send_as(connection, pipeline, kind, data))
    }

    /// Begins a message in place, as [`NetworkDriver::begin_send`]. Where to write it, its driver
    /// knows: [`driver`](Self::driver) and [`NetworkDriver::send_buffer`].
    ///
    /// # Errors
    /// As [`NetworkDriver::begin_send`].
    pub fn begin_send(
        &mut self,
        connection: Connection,
        pipeline: u8,
        required: u32,
    ) -> Result<MultiSend> {
        let driver = connection.driver();
        self.for_connection(connection, |own| own.begin_send(connection, pipeline, required))
            .map(|handle| MultiSend { driver, handle })
    }

    /// Ends a message in place, as [`NetworkDriver::end_send`].
    ///
    /// # Errors
    /// As [`NetworkDriver::end_send`].
    pub fn end_send(&mut self, send: MultiSend, length: u32) -> Result<()> {
        self.sending(send)?.with(|driver| driver.end_send(send.handle, length))?
    }

    /// Gives a message in place up.
    ///
    /// # Errors
    /// As [`NetworkDriver::abort_send`].
    pub fn abort_send(&mut self, send: MultiSend) -> Result<()> {
        self.sending(send)?.with(|driver| driver.abort_send(send.handle))?
    }

    /// The driver of a message in place.
    ///
    /// # Errors
    /// [`Status::NetworkSendHandleInvalid`].
    pub fn sending(&mut self, send: MultiSend) -> Result<&mut D> {
        self.driver(send.driver).map_err(|_| {
            let text = "the send was begun by none of these drivers";
            Error::new(Status::NetworkSendHandleInvalid, text)
        })
    }
}

fn unequal() -> Error {
    Error::argument("all drivers of a collection have the same number of pipelines")
}
