//! Variables of the process's environment.

/// The value of a variable. What is not UTF-8 in it becomes U+FFFD, which no host's name has: a
/// variable that cannot be read must not count as one that is not there.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
