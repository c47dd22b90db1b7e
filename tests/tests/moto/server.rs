//! The moto that `.ci/run` has started.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

/// Where it listens: `127.0.0.1:<port>`.
#[expect(
    clippy::disallowed_methods,
    reason = "a port is not known when this is compiled"
)]
pub(crate) fn address() -> String {
    let port = std::env::var("MOTO_PORT").expect("MOTO_PORT: tests/moto/serve prints it");
    format!("127.0.0.1:{port}")
}

/// All that moto keeps, what was sent to its topics included.
pub(crate) fn data() -> Value {
    let mut stream = TcpStream::connect(address()).unwrap();
    stream
        .write_all(b"GET /moto-api/data.json HTTP/1.0\r\nHost: moto\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    serde_json::from_str(body).unwrap()
}
