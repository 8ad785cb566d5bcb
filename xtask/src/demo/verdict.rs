//! Judges a demo by the server's closing account and by how the players ended. Pure: facts in,
//! one line out.

use super::status::{Final, Joined};

/// A kind of client, and how it is known among those that joined.
#[derive(Clone, Copy)]
pub struct Kind {
    /// What it is called in the verdict.
    pub label: &'static str,
    /// What the names of its clients begin with; any name when empty.
    pub prefix: &'static str,
    /// Its interface.
    pub interface: &'static str,
    /// Its dialect.
    pub dialect: &'static str,
    /// How many of it there are.
    pub count: usize,
}

impl Kind {
    fn is(&self, joined: &Joined) -> bool {
        joined.interface == self.interface
            && joined.dialect == self.dialect
            && joined.name.starts_with(self.prefix)
    }
}

/// The demo's last line when all went well, or else what went wrong.
pub fn judge(kinds: &[Kind], closing: &Final, mut faults: Vec<String>) -> Result<String, String> {
    for kind in kinds {
        let found: Vec<_> = closing.joined.iter().filter(|joined| kind.is(joined)).collect();
        if found.len() < kind.count {
            let (label, count) = (kind.label, kind.count);
            faults.push(format!("{label}: {} of {count} connected", found.len()));
        }
        faults.extend(found.iter().flat_map(|joined| shortcomings(kind.label, joined)));
    }
    if !faults.is_empty() {
        return Err(format!("demo: failed: {}", faults.join("; ")));
    }
    let Final { clients_total, messages_in, messages_out, .. } = closing;
    Ok(format!(
        "demo: ok clients={clients_total} messages_in={messages_in} messages_out={messages_out}"
    ))
}

fn shortcomings(label: &str, joined: &Joined) -> Vec<String> {
    let facts = [
        (joined.moved, "never moved"),
        (joined.saw_others, "never saw the others"),
        (joined.left_clean, "did not leave cleanly"),
    ];
    let failed = facts.iter().filter(|(fact, _)| !fact);
    failed.map(|(_, what)| format!("{label} ({}): {what}", joined.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 2] = [
        Kind { label: "C over UDP", prefix: "c-udp", interface: "udp", dialect: "utp", count: 2 },
        Kind { label: "page", prefix: "", interface: "ws", dialect: "plain", count: 1 },
    ];

    fn joined(name: &str, interface: &str, dialect: &str) -> Joined {
        Joined {
            name: name.to_owned(),
            interface: interface.to_owned(),
            dialect: dialect.to_owned(),
            moved: true,
            saw_others: true,
            left_clean: true,
        }
    }

    fn all() -> Final {
        Final {
            clients_total: 3,
            joined: vec![
                joined("c-udp-1", "udp", "utp"),
                joined("c-udp-2", "udp", "utp"),
                joined("somebody", "ws", "plain"),
            ],
            messages_in: 50,
            messages_out: 60,
        }
    }

    #[test]
    fn everybody_there_and_well_is_ok() {
        assert_eq!(
            judge(&KINDS, &all(), Vec::new()),
            Ok("demo: ok clients=3 messages_in=50 messages_out=60".to_owned())
        );
    }

    #[test]
    fn a_kind_that_did_not_connect_is_named() {
        let mut closing = all();
        closing.joined.remove(2);
        closing.joined[1].interface = "ws".to_owned();
        assert_eq!(
            judge(&KINDS, &closing, Vec::new()),
            Err("demo: failed: C over UDP: 1 of 2 connected; page: 0 of 1 connected".to_owned())
        );
    }

    #[test]
    fn each_shortcoming_fails_the_demo_and_is_named() {
        type Change = fn(&mut Joined);
        let spoil: [(Change, &str); 3] = [
            (|joined| joined.moved = false, "never moved"),
            (|joined| joined.saw_others = false, "never saw the others"),
            (|joined| joined.left_clean = false, "did not leave cleanly"),
        ];
        for (change, what) in spoil {
            let mut closing = all();
            change(&mut closing.joined[2]);
            let expected = format!("demo: failed: page (somebody): {what}");
            assert_eq!(judge(&KINDS, &closing, Vec::new()), Err(expected));
        }
    }

    #[test]
    fn a_fault_seen_from_outside_fails_it_too() {
        let faults = vec!["bot x ended early".to_owned()];
        let expected = "demo: failed: bot x ended early".to_owned();
        assert_eq!(judge(&KINDS, &all(), faults), Err(expected));
    }
}
