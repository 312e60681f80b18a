//! Real servers on this machine, for as long as a test needs them.

#![allow(dead_code)] // each test file is a crate of its own and uses a part of this

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A stream of either kind.
pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A server that hands each connection to a function, in a thread of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Connections accepted so far.
    pub(crate) connections: Arc<AtomicUsize>,
    /// Whatever was received, as far as the function wrote it down.
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server without encryption.
    pub(crate) fn start(serve: impl Fn(&mut dyn Stream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Self {
        Self::accept(move |mut tcp, seen| serve(&mut tcp, seen))
    }
    /// A server with a certificate.
    pub(crate) fn start_tls(
        config: Arc<rustls::ServerConfig>,
        serve: impl Fn(&mut dyn Stream, &Mutex<Vec<String>>) + Send + Sync + 'static,
    ) -> Self {
        Self::accept(move |tcp, seen| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("a TLS server");
            let mut stream = rustls::StreamOwned::new(connection, tcp);
            // A client that does not trust us hangs up in the middle of this.
            while stream.conn.is_handshaking() {
                if stream.conn.complete_io(&mut stream.sock).is_err() {
                    return;
                }
            }
            serve(&mut stream, seen);
            stream.conn.send_close_notify();
            let _ = stream.conn.complete_io(&mut stream.sock);
        })
    }
    fn accept(serve: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let (connections, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counted, noted, serve) = (Arc::clone(&connections), Arc::clone(&seen), Arc::new(serve));
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::SeqCst);
                let (serve, noted) = (Arc::clone(&serve), Arc::clone(&noted));
                std::thread::spawn(move || serve(tcp, &noted));
            }
        });
        Self { address, connections, seen }
    }
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
    pub(crate) fn accepted(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a request up to the end of its head, and its body as far as its length is told.
pub(crate) fn read_request(stream: &mut dyn Stream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the body");
    head + &String::from_utf8_lossy(&body)
}

/// Answers with `body`.
pub(crate) fn answer(stream: &mut dyn Stream, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}");
    let _ = stream.flush();
}

/// A certificate authority of the test's own, and servers it vouches for.
pub(crate) struct Authority {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
    params: rcgen::CertificateParams,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Test Authority");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, key, params }
    }
    /// Writes the authority's certificate to `path`.
    pub(crate) fn write(&self, path: PathBuf) -> PathBuf {
        std::fs::write(&path, self.certificate.pem()).expect("a file");
        path
    }
    /// What a server called `names` needs.
    pub(crate) fn server(&self, names: &[&str]) -> Arc<rustls::ServerConfig> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        let certificate =
            rcgen::CertificateParams::new(names).expect("names").signed_by(&key, &issuer).expect("a certificate");
        let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .expect("a certificate with its key");
        Arc::new(config)
    }
}
