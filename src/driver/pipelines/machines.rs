//! The machines of one connection, by the number of their pipeline.

use crate::proto::pipeline::Pipeline;
use crate::proto::time::Micros;

/// The machines of one connection.
#[derive(Default)]
pub struct Machines {
    /// By number, less 1; as long as the highest that was used.
    list: Vec<Option<Box<Pipeline>>>,
    /// In the list of those that owe acknowledgements.
    pub(super) owing: bool,
    /// In the list of those that owe them now.
    pub(super) urgent: bool,
    /// The reliable pipeline that measures round trips, 0 none yet, and how many it has.
    pub(super) measured: (u8, u64),
    /// Pipelines that have refused a message because their windows were full, and have not told
    /// of room since.
    blocked: Vec<u8>,
}

impl Machines {
    /// Takes a machine out of its place, to run it.
    pub(super) fn take(&mut self, pipeline: u8) -> Option<Box<Pipeline>> {
        self.list.get_mut(place(pipeline)?)?.take()
    }

    /// Puts a machine into its place.
    pub(in crate::driver) fn put(&mut self, pipeline: u8, machine: Box<Pipeline>) {
        let Some(place) = place(pipeline) else { return };
        if self.list.len() <= place {
            self.list.resize_with(place + 1, || None);
        }
        self.list[place] = Some(machine);
    }

    /// A machine in its place.
    pub(in crate::driver) fn get(&self, pipeline: u8) -> Option<&Pipeline> {
        self.list.get(place(pipeline)?)?.as_deref()
    }

    /// The same, to change it.
    pub(in crate::driver) fn get_mut(&mut self, pipeline: u8) -> Option<&mut Pipeline> {
        self.list.get_mut(place(pipeline)?)?.as_deref_mut()
    }

    /// Pipelines that have refused a message because their windows were full, and have not told
    /// of room since.
    pub(in crate::driver) fn blocked(&self) -> &[u8] {
        &self.blocked
    }

    /// The window of a pipeline was full.
    pub(super) fn set_blocked(&mut self, pipeline: u8) {
        if !self.blocked.contains(&pipeline) {
            self.blocked.push(pipeline);
        }
    }

    /// There may be room in it again: was it full?
    pub(super) fn take_blocked(&mut self, pipeline: u8) -> bool {
        let place = self.blocked.iter().position(|&blocked| blocked == pipeline);
        place.map(|place| self.blocked.swap_remove(place)).is_some()
    }

    /// The number of the last pipeline that was used.
    pub(super) const fn last(&self) -> u8 {
        self.list.len() as u8
    }

    /// All machines, with the numbers of their pipelines.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Pipeline)> {
        let numbered = (1..=u8::MAX).zip(&self.list);
        numbered.filter_map(|(number, machine)| Some((number, machine.as_deref()?)))
    }

    /// All machines, to change them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u8, &mut Pipeline)> {
        let numbered = (1..=u8::MAX).zip(&mut self.list);
        numbered.filter_map(|(number, machine)| Some((number, machine.as_deref_mut()?)))
    }

    /// When the first of them wants to be asked.
    pub fn next_timeout(&self) -> Option<Micros> {
        self.iter().filter_map(|(_, machine)| machine.next_timeout()).min()
    }

    /// Forgets all of them: the connection has ended.
    pub fn clear(&mut self) {
        // What is listed stays so until the list is gone through.
        self.list = Vec::new();
        self.blocked = Vec::new();
    }
}

const fn place(pipeline: u8) -> Option<usize> {
    (pipeline as usize).checked_sub(1)
}
