//! The machines of one connection, by the number of their pipeline.

use crate::proto::pipeline::Pipeline;
use crate::proto::time::{Micros, earliest};

/// The machines of one connection. One that uses no pipeline holds no memory.
#[derive(Default)]
pub struct Machines(Option<Box<Used>>);

/// Those of a connection that uses pipelines.
#[derive(Default)]
struct Used {
    /// By number, less 1; as long as the highest that was used.
    list: Vec<Option<Box<Pipeline>>>,
    /// In the list of those that owe acknowledgements.
    owing: bool,
    /// In the list of those that owe them now.
    urgent: bool,
    /// The reliable pipeline that measures round trips, 0 none yet, and how many it has.
    measured: (u8, u64),
    /// Pipelines that have refused a message because their windows were full, and have not told
    /// of room since.
    blocked: Vec<u8>,
}

impl Machines {
    fn used(&mut self) -> &mut Used {
        self.0.get_or_insert_default()
    }

    /// An acknowledgement is owed, now or later. False: it was already.
    pub(super) fn set_owing(&mut self, urgent: bool) -> bool {
        let used = self.used();
        let mark = if urgent { &mut used.urgent } else { &mut used.owing };
        !std::mem::replace(mark, true)
    }

    /// It is owed no more.
    pub(super) fn clear_owing(&mut self, urgent: bool) {
        let used = self.used();
        let mark = if urgent { &mut used.urgent } else { &mut used.owing };
        *mark = false;
    }

    /// The reliable pipeline that measures round trips, 0 none yet, and how many it has.
    pub(super) fn measured(&self) -> (u8, u64) {
        self.0.as_ref().map_or((0, 0), |used| used.measured)
    }

    /// That pipeline has so many.
    pub(super) fn set_measured(&mut self, pipeline: u8, samples: u64) {
        self.used().measured = (pipeline, samples);
    }

    /// Takes a machine out of its place, to run it.
    pub(super) fn take(&mut self, pipeline: u8) -> Option<Box<Pipeline>> {
        self.0.as_mut()?.list.get_mut(place(pipeline)?)?.take()
    }

    /// Puts a machine into its place.
    pub(in crate::driver) fn put(&mut self, pipeline: u8, machine: Box<Pipeline>) {
        let Some(place) = place(pipeline) else { return };
        let list = &mut self.used().list;
        if list.len() <= place {
            list.resize_with(place + 1, || None);
        }
        list[place] = Some(machine);
    }

    /// A machine in its place.
    pub(in crate::driver) fn get(&self, pipeline: u8) -> Option<&Pipeline> {
        self.0.as_ref()?.list.get(place(pipeline)?)?.as_deref()
    }

    /// The same, to change it.
    pub(in crate::driver) fn get_mut(&mut self, pipeline: u8) -> Option<&mut Pipeline> {
        self.0.as_mut()?.list.get_mut(place(pipeline)?)?.as_deref_mut()
    }

    /// Pipelines that have refused a message because their windows were full, and have not told
    /// of room since.
    pub(in crate::driver) fn blocked(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |used| &used.blocked)
    }

    /// The window of a pipeline was full.
    pub(super) fn set_blocked(&mut self, pipeline: u8) {
        let blocked = &mut self.used().blocked;
        if !blocked.contains(&pipeline) {
            blocked.push(pipeline);
        }
    }

    /// There may be room in it again: was it full?
    pub(super) fn take_blocked(&mut self, pipeline: u8) -> bool {
        let Some(used) = &mut self.0 else { return false };
        let place = used.blocked.iter().position(|&blocked| blocked == pipeline);
        place.map(|place| used.blocked.swap_remove(place)).is_some()
    }

    /// The number of the last pipeline that was used.
    pub(super) fn last(&self) -> u8 {
        self.0.as_ref().map_or(0, |used| used.list.len() as u8)
    }

    /// All machines, with the numbers of their pipelines.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Pipeline)> {
        let list = self.0.as_ref().map_or(&[][..], |used| &used.list);
        let numbered = (1..=u8::MAX).zip(list);
        numbered.filter_map(|(number, machine)| Some((number, machine.as_deref()?)))
    }

    /// All machines, to change them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u8, &mut Pipeline)> {
        let list = self.0.as_mut().map_or(&mut [][..], |used| &mut used.list);
        let numbered = (1..=u8::MAX).zip(list);
        numbered.filter_map(|(number, machine)| Some((number, machine.as_deref_mut()?)))
    }

    /// When the first of them wants to be asked.
    #[inline]
    pub fn next_timeout(&self) -> Option<Micros> {
        let used = self.0.as_deref()?;
        let mut first = None;
        for machine in used.list.iter().flatten() {
            first = earliest([first, machine.next_timeout()]);
        }
        first
    }

    /// Forgets all of them: the connection has ended.
    pub fn clear(&mut self) {
        // What is listed stays so until the list is gone through.
        match &mut self.0 {
            Some(used) if used.owing || used.urgent => {
                used.list = Vec::new();
                used.blocked = Vec::new();
            }
            unlisted => *unlisted = None,
        }
    }
}

const fn place(pipeline: u8) -> Option<usize> {
    (pipeline as usize).checked_sub(1)
}
