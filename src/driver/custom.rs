//! Interfaces that the program brings: added, bound, polled.
//!
//! Their datagrams take the way of UDP's; only their addresses are not the system's.

use super::NetworkDriver;
use super::connections::{CustomEnds, Link};
use super::interfaces::Binding;
use crate::error::{Error, Result, Status};
use crate::log::note;
use crate::proto::endpoint::NetworkEndpoint;
use crate::pump::{CustomInterface, CustomPort, DriverWaker};
use crate::settings::{InterfaceKind, InterfaceSettings};

/// Batches taken from one custom interface in one round.
const CUSTOM_BATCHES_MAX: usize = 256;

impl NetworkDriver {
    /// Adds an interface that the program brings; returns its number. It is bound once, and its
    /// connections speak UTP.
    ///
    /// # Errors
    /// As [`add_interface`](Self::add_interface).
    pub fn add_custom_interface(&mut self, interface: Box<dyn CustomInterface>) -> Result<u32> {
        self.add_custom_interface_with(|| interface)
    }

    /// As [`add_custom_interface`](Self::add_custom_interface); `make` is called once nothing can
    /// fail any more.
    ///
    /// # Errors
    /// As [`add_interface`](Self::add_interface); `make` was not called.
    pub fn add_custom_interface_with(
        &mut self,
        make: impl FnOnce() -> Box<dyn CustomInterface>,
    ) -> Result<u32> {
        let number = self.insert_interface(InterfaceSettings::new(InterfaceKind::Custom))?;
        self.interface(number)?.custom = Some(self.pump.custom.len() as u32);
        let size_max = self.settings.max_message_size as usize;
        self.pump.custom.push(CustomPort::new(make(), size_max));
        Ok(number)
    }

    /// What wakes this driver from other threads.
    #[must_use]
    pub fn waker(&self) -> DriverWaker {
        DriverWaker::new(&self.pump.bell)
    }

    /// Binds a custom interface; an invalid endpoint stands for any.
    pub(super) fn bind_custom(
        &mut self,
        interface: u32,
        endpoint: &NetworkEndpoint,
    ) -> Result<Binding> {
        let place = self.interface(interface)?;
        let Some(port) = place.custom else {
            return Err(Error::argument("this is no custom interface"));
        };
        if !place.bindings.is_empty() || !place.implicit.is_empty() {
            let text = "a custom interface is bound once, by the program or by its first connect";
            return Err(Error::new(Status::LimitReached, text));
        }
        self.pump.custom[port as usize].bind(endpoint)?;
        Ok(Binding::Custom(port))
    }

    /// Packets of a connection go to this address of a custom interface.
    pub(super) fn aim_custom(&mut self, index: u32, remote: NetworkEndpoint) -> Result<()> {
        let interface = self.connections.at(index).interface;
        let place = self.interface(interface)?;
        let bound = place.bindings.iter().chain(&place.implicit).next().copied();
        let binding = match bound {
            Some(binding) => binding,
            None => {
                let binding = self.bind_custom(interface, &NetworkEndpoint::INVALID)?;
                self.interface(interface)?.implicit.push(binding);
                binding
            }
        };
        if let Binding::Custom(port) = binding {
            self.set_link(index, Link::Custom { port, remote });
        }
        Ok(())
    }

    /// Packets of a connection travel this way from here on.
    pub(super) fn set_link(&mut self, index: u32, link: Link) {
        let (remote, local) = (super::datagram::remote_of(link), self.link_local(link));
        let entry = self.connections.at(index);
        entry.link = link;
        entry.remote = remote.into();
        entry.local = local.into();
        if let Link::Custom { port, remote } = link {
            let ends = CustomEnds { remote, local: self.pump.custom[port as usize].local() };
            entry.set_custom(ends);
        }
    }

    pub(super) fn receive_custom(&mut self, interface: u32, port: u32) {
        for _ in 0..CUSTOM_BATCHES_MAX {
            let batch = match self.pump.custom[port as usize].receive() {
                Ok(batch) => batch,
                Err(error) => {
                    note!(Error, "interface {interface} cannot receive: {}", error.text());
                    self.receive_error = Status::NetworkSocketError as i32;
                    self.custom_failure = Some(error);
                    return;
                }
            };
            for (remote, datagram) in batch.datagrams() {
                if !remote.is_valid() {
                    // Nobody could be answered.
                    self.statistics.malformed_in += 1;
                    continue;
                }
                self.receive_datagram(interface, Link::Custom { port, remote }, datagram);
            }
            let place = &mut self.pump.custom[port as usize];
            place.put_back(batch);
            if !place.has_more {
                return;
            }
        }
    }

    /// Sends what waits on custom interfaces.
    pub(super) fn flush_custom(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        for port in self.pump.custom.iter_mut().filter(|port| port.has_queued()) {
            if let Err(error) = port.flush() {
                note!(Error, "a custom interface cannot send: {}", error.text());
                outcome = Err(error);
            }
        }
        outcome
    }
}
