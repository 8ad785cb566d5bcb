//! The checker's lock and condition, with the calls of `parking_lot`.

use std::ops::{Deref, DerefMut};

/// A lock.
pub struct Mutex<T>(loom::sync::Mutex<T>);

/// What holds it.
pub struct MutexGuard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    pub fn new(content: T) -> Self {
        Self(loom::sync::Mutex::new(content))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().expect("nobody panicked")))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("is held")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("is held")
    }
}

/// What threads wait for.
pub struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }

    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("is held");
        guard.0 = Some(self.0.wait(held).expect("nobody panicked"));
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
