//! How many files and sockets the process may have open. The system starts programs with few
//! (often 1024) and lets them ask for more, up to a bound of its own.

use crate::error::Result;

/// Lets the process have `wanted` files and sockets open at once, or as many as the system allows
/// when that is 0. Returns how many that is; a limit that is high enough already stays. A server
/// needs one for each client of a stream, and a few besides; clients over UDP need none.
///
/// Windows has no such limit: the result is [`u64::MAX`].
///
/// # Errors
/// [`Status::LimitReached`](crate::Status::LimitReached): the system allows less than was wanted.
/// The limit is as high as it may be then.
#[cfg(unix)]
pub fn raise_descriptor_limit(wanted: u64) -> Result<u64> {
    use crate::error::{Error, Status};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// What macOS takes at most where it says that there is no bound.
    const OPEN_MAX: u64 = 10_240;

    let limit = getrlimit(Resource::Nofile);
    let soft = limit.current.unwrap_or(u64::MAX);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    let most = if wanted == 0 { hard } else { wanted.min(hard) };
    let set = |value: &u64| {
        let current = Some(*value).filter(|&value| value != u64::MAX);
        *value > soft && setrlimit(Resource::Nofile, Rlimit { current, ..limit }).is_ok()
    };
    let raised = [most, most.min(OPEN_MAX)].into_iter().find(set).unwrap_or(soft);
    if wanted <= raised {
        return Ok(raised);
    }
    let text = format!(
        "the process may open {raised} files and sockets, and {wanted} are wanted; raise the \
         system's bound: `ulimit -Hn` (limits.conf), LimitNOFILE= of a systemd unit, --ulimit \
         nofile= of a container"
    );
    Err(Error::new(Status::LimitReached, text))
}

/// There is no such limit here.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "one signature for every system")]
pub fn raise_descriptor_limit(_: u64) -> Result<u64> {
    Ok(u64::MAX)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::error::Status;

    #[test]
    fn a_limit_is_raised_as_far_as_the_system_lets_it_and_never_lowered() {
        let all = raise_descriptor_limit(0).expect("is what the system allows");
        assert!(all > 0);
        assert_eq!(raise_descriptor_limit(1), Ok(all));
        if all < u64::MAX {
            let error = raise_descriptor_limit(u64::MAX - 1).expect_err("is too much");
            assert_eq!(error.status(), Status::LimitReached);
            assert!(error.text().contains("LimitNOFILE"), "{error}");
        }
    }
}
