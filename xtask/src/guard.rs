//! No child outlives xtask, however xtask ends: by Ctrl-C, by a signal, by a panic.
//!
//! Every child leads its own process group. A small shell process, the watchdog, holds the list
//! of these groups and reads from a pipe whose other end only xtask has open; when xtask is gone
//! the pipe ends, and the watchdog kills the groups that are left. This needs no signal handler
//! and no unsafe code, and it survives even SIGKILL.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::error::{Context, Error, Result};

/// Reads `add PGID` and `del PGID`; at the end of its input kills what is left, kindly first.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
groups=""
while read -r verb group; do
    case $verb in
        add) groups="$groups $group" ;;
        del) kept=""
             for each in $groups; do
                 [ "$each" = "$group" ] || kept="$kept $each"
             done
             groups=$kept ;;
    esac
done
[ -n "$groups" ] || exit 0
for each in $groups; do kill -s TERM -- "-$each" 2>/dev/null; done
sleep 1
for each in $groups; do kill -s KILL -- "-$each" 2>/dev/null; done
exit 0
"#;

static WATCHDOG_INPUT: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// A signal that xtask sends to a process group.
#[derive(Clone, Copy)]
pub enum Signal {
    /// End in good order. Not what Ctrl-C sends: a shell that runs xtask in the background makes
    /// everything below it ignore that.
    Terminate,
    /// End at once.
    Kill,
}

/// Starts a command as the leader of its own process group, under the watchdog's eyes.
pub fn spawn(command: &mut Command) -> Result<Child> {
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command.process_group(0).spawn().context(name)?;
    tell_watchdog("add", child.id())?;
    Ok(child)
}

/// Tells the watchdog that this child has been waited for.
pub fn release(child: &Child) {
    // A watchdog that cannot be told any more is gone, and then nothing needs to be told.
    let _ = tell_watchdog("del", child.id());
}

/// Sends a signal to the child's whole process group; a group that is gone already is fine.
pub fn signal(child: &Child, signal: Signal) {
    let name = match signal {
        Signal::Terminate => "TERM",
        Signal::Kill => "KILL",
    };
    // The shell's own `kill` is there on every machine, the program `kill` is not.
    let script = format!("kill -s {name} -- -{}", child.id());
    let _ = Command::new("sh").arg("-c").arg(script).stderr(Stdio::null()).status();
}

fn tell_watchdog(verb: &str, group: u32) -> Result<()> {
    let mut input = WATCHDOG_INPUT.lock().unwrap_or_else(PoisonError::into_inner);
    if input.is_none() {
        let child = Command::new("sh")
            .args(["-c", WATCHDOG])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("sh")?;
        *input = child.stdin;
    }
    let pipe = input.as_mut().ok_or_else(|| Error::new("the watchdog has no input"))?;
    writeln!(pipe, "{verb} {group}").context("watchdog")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn alive(group: u32) -> bool {
        let script = format!("kill -s 0 -- -{group}");
        let status = Command::new("sh").arg("-c").arg(script).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    #[test]
    fn a_signal_reaches_the_children_of_the_child() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & wait"]);
        let mut child = spawn(&mut command).expect("sh starts");
        assert!(alive(child.id()));
        signal(&child, Signal::Kill);
        child.wait().expect("it was ours");
        release(&child);
        let end = Instant::now() + Duration::from_secs(5);
        while alive(child.id()) {
            assert!(Instant::now() < end, "the group is still alive");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn the_watchdog_kills_what_was_added_and_not_what_was_released() {
        let group = || {
            let mut command = Command::new("sleep");
            command.arg("60").process_group(0).spawn().expect("sleep starts")
        };
        let (mut lost, mut kept) = (group(), group());
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG])
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let mut input = watchdog.stdin.take().expect("piped");
        for (verb, id) in [("add", lost.id()), ("add", kept.id()), ("del", kept.id())] {
            writeln!(input, "{verb} {id}").expect("it reads");
        }
        drop(input);
        lost.wait().expect("killed by the watchdog");
        watchdog.wait().expect("ends by itself");
        assert!(alive(kept.id()));
        kept.kill().expect("ours");
        kept.wait().expect("ours");
    }
}
