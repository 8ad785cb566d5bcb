//! Fuzz bodies for proxies: any bytes go in, broken promises panic.

use super::{Exceptions, ProxyUrl, Tunnel};

const HEAD_SIZE_MAX: usize = 512;

/// The proxies that the bytes may come from.
const PROXIES: [&str; 6] = [
    "http://proxy",
    "http://u:p@proxy",
    "socks5://proxy",
    "socks5://u:p@proxy",
    "socks4a://u@proxy",
    "socks4://proxy",
];

/// Any text as a proxy's URL and as a list of exceptions, and any bytes as what a proxy sends. The
/// first byte chooses the proxy and the cuts.
pub fn fuzz_proxy(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    if let Ok(text) = std::str::from_utf8(rest) {
        if let Ok(proxy) = ProxyUrl::parse(text) {
            let shown = proxy.to_string();
            let bare = ProxyUrl { credentials: None, ..proxy };
            assert_eq!(ProxyUrl::parse(&shown), Ok(bare));
        }
        let longer = Exceptions::parse(&format!("{text},a.example"));
        assert!(longer.contains("a.example", 80) && longer.contains("b.a.example", 80));
    }
    let proxy = ProxyUrl::parse(PROXIES[usize::from(choice % 6)]).expect("is a proxy");
    let whole = run(&proxy, rest, rest.len().max(1));
    let pieces = run(&proxy, rest, usize::from(choice / 6) % 7 + 1);
    assert_eq!(whole, pieces, "what is said and found does not depend on the cuts");
}

/// What was sent, and whether the tunnel is open in the end; `None` after an error.
fn run(proxy: &ProxyUrl, bytes: &[u8], size: usize) -> (Vec<u8>, Option<bool>) {
    let mut tunnel = Tunnel::new(proxy, "game", 80, HEAD_SIZE_MAX, Some("Basic x"));
    let mut sent = Vec::new();
    let mut open = false;
    for piece in bytes.chunks(size) {
        let outcome = tunnel.handle_bytes(piece);
        tunnel.poll_transmit(&mut sent);
        match outcome {
            Ok(now) => open = now,
            Err(_) => return (sent, None),
        }
    }
    tunnel.poll_transmit(&mut sent);
    (sent, Some(open))
}
