//! Variables of the process's environment.

/// The value of a variable; `None` also for one that is not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
