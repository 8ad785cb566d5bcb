//! quinn (QUIC) against quinn, on one thread: datagrams where messages may be lost, a stream of
//! messages of one length where they may not. Its packets are encrypted, which the others' are not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use netdriver_bench_peers::{Kind, MESSAGE_MAX, Options, SERVE_SLEEP, State, load, serve, socket};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, RecvStream, ServerConfig};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const AUTHORITY: &[u8] = include_bytes!("../../../../tests/certificates/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../../../tests/certificates/localhost.pem");
const KEY: &[u8] = include_bytes!("../../../../tests/certificates/localhost.key");
/// Bytes that one read of a stream may bring.
const READ_SIZE: usize = 256 * 1024;
/// How often the load is asked what is due, where nothing else wakes it.
const SWEEP: Duration = Duration::from_millis(10);

fn endpoint(port: u16, server: Option<ServerConfig>) -> Fallible<Endpoint> {
    let runtime = Arc::new(quinn::TokioRuntime);
    Ok(Endpoint::new(EndpointConfig::default(), server, socket(port)?, runtime)?)
}

/// Reads messages of one length; the rest of one waits for the next read.
struct Messages {
    stream: RecvStream,
    buffer: Vec<u8>,
    filled: usize,
    size: usize,
}

impl Messages {
    fn new(stream: RecvStream, options: &Options) -> Self {
        Self { stream, buffer: vec![0; READ_SIZE], filled: 0, size: options.size as usize }
    }

    /// Whole messages, one behind the other; `None` at the end of the stream.
    async fn read(&mut self) -> Fallible<Option<&[u8]>> {
        let whole = self.filled / self.size * self.size;
        self.buffer.copy_within(whole..self.filled, 0);
        self.filled -= whole;
        while self.filled < self.size {
            let Some(count) = self.stream.read(&mut self.buffer[self.filled..]).await? else {
                return Ok(None);
            };
            self.filled += count;
        }
        Ok(Some(&self.buffer[..self.filled / self.size * self.size]))
    }
}

// ---- server --------------------------------------------------------------------------------------

async fn serve_connection(options: Options, connection: Connection) -> Fallible<()> {
    if !options.is_reliable() {
        loop {
            let message = connection.read_datagram().await?;
            serve::received(&message);
            connection.send_datagram(message)?;
        }
    }
    if options.kind == Kind::Echo {
        let (mut send, receive) = connection.accept_bi().await?;
        let mut messages = Messages::new(receive, &options);
        while let Some(all) = messages.read().await? {
            all.chunks(options.size as usize).for_each(serve::received);
            send.write_all(all).await?;
        }
    } else {
        let mut messages = Messages::new(connection.accept_uni().await?, &options);
        while let Some(all) = messages.read().await? {
            all.chunks(options.size as usize).for_each(serve::received);
        }
    }
    Ok(())
}

async fn accept_all(options: Options, endpoint: Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        tokio::task::spawn_local(async move {
            if let Ok(connection) = incoming.await {
                // It ends with the connection, which the load ends.
                let _ = serve_connection(options, connection).await;
            }
        });
    }
}

async fn run_server(options: Options) -> Fallible<()> {
    let chain = vec![CertificateDer::from_pem_slice(CERTIFICATE)?];
    let key = PrivateKeyDer::from_pem_slice(KEY)?;
    let tls = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    let config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    let endpoint = endpoint(options.port, Some(config))?;
    serve::begin(&options, endpoint.local_addr()?.port());
    tokio::task::spawn_local(accept_all(options, endpoint));
    while serve::turn() {
        tokio::time::sleep(SERVE_SLEEP).await;
    }
    Ok(())
}

// ---- load ----------------------------------------------------------------------------------------

fn send_datagrams(number: usize, connection: &Connection) {
    let mut buffer = [0; MESSAGE_MAX];
    while let Some(message) = load::next(number, &mut buffer) {
        if connection.send_datagram(message.to_vec().into()).is_err() {
            load::refused(number);
            return;
        }
    }
}

async fn echo_datagrams(number: usize, connection: Connection) -> Fallible<()> {
    send_datagrams(number, &connection);
    loop {
        let message = connection.read_datagram().await?;
        load::turn();
        load::received(number, &message);
        send_datagrams(number, &connection);
    }
}

async fn echo_stream(options: Options, number: usize, connection: Connection) -> Fallible<()> {
    let (mut send, receive) = connection.open_bi().await?;
    let mut messages = Messages::new(receive, &options);
    let mut buffer = [0; MESSAGE_MAX];
    loop {
        let mut batch = Vec::new();
        while let Some(message) = load::next(number, &mut buffer) {
            batch.extend_from_slice(message);
        }
        send.write_all(&batch).await?;
        let Some(all) = messages.read().await? else { return Ok(()) };
        load::turn();
        all.chunks(options.size as usize).for_each(|message| load::received(number, message));
    }
}

async fn send_one_way(number: usize, connection: Connection) -> Fallible<()> {
    let mut send = connection.open_uni().await?;
    let mut buffer = [0; MESSAGE_MAX];
    loop {
        load::turn();
        while let Some(message) = load::next(number, &mut buffer) {
            send.write_all(message).await?;
            load::turn();
        }
        tokio::time::sleep(load::sleep().max(Duration::from_micros(100))).await;
    }
}

async fn run_load(options: Options) -> Fallible<()> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(AUTHORITY)?)?;
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    let server = SocketAddr::from(([127, 0, 0, 1], options.port));
    let mut connections = Vec::new();
    let mut endpoints = Vec::new();
    for _ in 0..options.clients {
        let endpoint = endpoint(0, None)?;
        let connecting = endpoint.connect_with(config.clone(), server, "localhost")?;
        connections.push(connecting.await?);
        endpoints.push(endpoint);
    }
    load::begin(&options);
    for (number, connection) in connections.iter().cloned().enumerate() {
        tokio::task::spawn_local(async move {
            let outcome = match (options.kind, options.is_reliable()) {
                (Kind::Echo, false) => echo_datagrams(number, connection).await,
                (Kind::Echo, true) => echo_stream(options, number, connection).await,
                _ => send_one_way(number, connection).await,
            };
            if let Err(error) = outcome {
                eprintln!("client {number}: {error}");
            }
        });
    }
    loop {
        match load::turn() {
            State::Over => break,
            State::Sweep if options.kind == Kind::Echo && !options.is_reliable() => {
                connections.iter().enumerate().for_each(|(number, c)| send_datagrams(number, c));
            }
            _ => {}
        }
        tokio::time::sleep(SWEEP).await;
    }
    load::report();
    Ok(())
}

fn main() -> Fallible<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async move {
        if options.is_server() { run_server(options).await } else { run_load(options).await }
    })
}
