//! Servers that are reached without the proxy: the list that `no_proxy` holds.

use std::net::IpAddr;

use crate::proto::cidr::Cidr;
use crate::proto::url::split_host_port;

/// Which servers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// All of them.
    Any,
    /// A domain and what is below it.
    Domain(String),
    /// A block of addresses.
    Network(Cidr),
}

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    rules: Vec<(Rule, Option<u16>)>,
}

impl Exceptions {
    /// Reads a list with commas: `*`, `example.com` (with all below it, as `.example.com` and
    /// `*.example.com`), `10.1.2.3`, `10.0.0.0/8`, `::1`, each perhaps with `:port` (IPv6 in
    /// brackets then). What is none of these matches nothing.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let items = list.split([',', ' ']).map(str::trim).filter(|item| !item.is_empty());
        Self { rules: items.filter_map(rule).collect() }
    }

    /// Whether this server is on the list. `host` is a name in lower case, or an IP literal
    /// without brackets.
    #[must_use]
    pub fn contains(&self, host: &str, port: u16) -> bool {
        let name = host.strip_suffix('.').unwrap_or(host);
        let ip: Option<IpAddr> = host.parse().ok();
        self.rules.iter().any(|(rule, only)| {
            let matches = match (rule, ip) {
                (Rule::Any, _) => true,
                (Rule::Domain(domain), None) => name
                    .strip_suffix(domain.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                (Rule::Network(block), Some(ip)) => block.contains(ip),
                (Rule::Domain(_), Some(_)) | (Rule::Network(_), None) => false,
            };
            matches && only.is_none_or(|only| only == port)
        })
    }
}

fn rule(item: &str) -> Option<(Rule, Option<u16>)> {
    if item == "*" {
        return Some((Rule::Any, None));
    }
    if let Ok(block) = Cidr::around(item) {
        return Some((Rule::Network(block), None));
    }
    let item = item.strip_prefix('*').unwrap_or(item);
    let (host, port) = split_host_port(item.strip_prefix('.').unwrap_or(item)).ok()?;
    let rule = match host.parse::<IpAddr>() {
        Ok(ip) => Rule::Network(ip.into()),
        Err(_) => Rule::Domain(host.strip_suffix('.').unwrap_or(&host).to_owned()),
    };
    Some((rule, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listed(list: &str, host: &str) -> bool {
        Exceptions::parse(list).contains(host, 80)
    }

    #[test]
    fn domains_hold_what_is_below_them() {
        for list in ["example.com", ".example.com", "*.example.com", "x, Example.COM ,y", "*"] {
            assert!(listed(list, "example.com"), "{list}");
            assert!(listed(list, "a.b.example.com."), "{list}");
        }
        assert!(!listed("example.com", "badexample.com"));
        assert!(!listed("example.com", "example.com.evil.org"));
        assert!(!listed("a.example.com", "example.com"));
        assert!(!listed("", "example.com") && !listed(" , ", "example.com"));
    }

    #[test]
    fn addresses_and_networks_are_told_from_names() {
        assert!(listed("10.0.0.0/8", "10.255.1.2") && !listed("10.0.0.0/8", "11.0.0.0"));
        assert!(listed("10.1.2.3/8", "10.255.1.2"), "bits behind the prefix do not count");
        assert!(listed("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(listed("1.2.3.4", "1.2.3.4") && !listed("1.2.3.4", "1.2.3.5"));
        assert!(
            listed("2001:db8::/32", "2001:db8:1::1") && !listed("2001:db8::/32", "2001:db9::1")
        );
        assert!(listed("::1", "::1") && listed("[::1]", "::1"));
        assert!(listed("0.0.0.0/0", "9.9.9.9") && !listed("0.0.0.0/0", "::1"));
        assert!(listed("::/0", "::1") && !listed("::/0", "a"));
        assert!(!listed("10.0.0.0/33", "10.0.0.0") && !listed("::/129", "::"));
        assert!(!listed("2.3.4", "1.2.3.4"), "an address is not below a domain");
    }

    #[test]
    fn a_port_narrows_a_rule() {
        let list = Exceptions::parse("a:81,1.2.3.4:82,[::1]:83");
        for (host, port) in [("a", 81), ("b.a", 81), ("1.2.3.4", 82), ("::1", 83)] {
            assert!(list.contains(host, port) && !list.contains(host, 80), "{host}");
        }
    }

    proptest! {
        #[test]
        fn a_host_is_on_a_list_that_names_it(
            host in "[a-z]{1,5}(\\.[a-z]{1,5}){0,2}|([1-9]\\.){3}[1-9]",
            rest in "[ -~]{0,20}",
        ) {
            let list = format!("{rest},{host}");
            prop_assert!(listed(&list, &host));
            let _ = Exceptions::parse(&rest).contains(&host, 1);
        }
    }
}
