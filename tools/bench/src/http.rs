//! HTTP/1.1 as a server, blocking, a thread for each connection: a timer of an asynchronous runtime is right to a
//! millisecond, and here tenths of one are measured.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock;

/// Above what any of the services takes.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// A request, read to its end.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// When it was there.
    pub(crate) at: Duration,
}

impl Request {
    /// A header by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// Listens on loopback until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Hands each connection to `serve`, on a thread of its own.
    pub(crate) fn start(
        name: &str,
        serve: impl Fn(TcpStream) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stopped);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for stream in listener.incoming() {
                    if is_stopped.load(Ordering::Acquire) {
                        return;
                    }
                    // A client that left before it was accepted is no reason to stop.
                    let Ok(stream) = stream else { continue };
                    // Answers are small, and the next request waits for them.
                    let _ = stream.set_nodelay(true);
                    let serve = serve.clone();
                    std::thread::spawn(move || serve(stream));
                }
            })?;
        Ok(Self {
            address,
            stopped,
            thread: Some(thread),
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // It waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            // A panic of its own would have been seen as connections that are refused.
            let _ = thread.join();
        }
    }
}

/// Answers the requests of a connection until it ends. `None` ends it without an answer.
pub(crate) fn serve(
    stream: impl Read + Write,
    mut answer: impl FnMut(Request) -> Option<Response>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream)? {
        let Some(response) = answer(request) else {
            return Ok(());
        };
        write(stream.get_mut(), &response)?;
    }
    Ok(())
}

/// The next request; `None` at the end of the connection.
fn read(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(io::Error::other(format!("no request line: {line:?}")));
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        method,
        path,
        headers,
        body: Vec::new(),
        at: Duration::ZERO,
    };
    if request.header("transfer-encoding").is_some() {
        read_chunks(stream, &mut request.body)?;
    } else if let Some(length) = request.header("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        read_part(stream, length, &mut request.body)?;
    }
    request.at = clock::now();
    Ok(Some(request))
}

fn read_part(stream: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> io::Result<()> {
    let from = body.len();
    if from + length > MAX_BODY {
        return Err(io::Error::other("the body is too long"));
    }
    body.resize(from + length, 0);
    stream.read_exact(&mut body[from..])
}

fn read_chunks(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        read_part(stream, size, body)?;
        // The end of the line, or of trailers that nobody sends.
        line.clear();
        stream.read_line(&mut line)?;
        if size == 0 {
            return Ok(());
        }
    }
}

/// In one piece: a segment on loopback, a record of TLS.
fn write(stream: &mut impl Write, response: &Response) -> io::Result<()> {
    let mut bytes = format!(
        "HTTP/1.1 {} \r\ncontent-length: {}\r\n",
        response.status,
        response.body.len()
    )
    .into_bytes();
    for (name, value) in &response.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&response.body);
    stream.write_all(&bytes)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        read(&mut text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_request_is_read_to_its_end_and_no_further() {
        let text = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET";
        let first = request(text);
        assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/a"));
        assert_eq!(
            (first.header("host"), &first.body[..]),
            (Some("x"), &b"abc"[..])
        );
        let chunked =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n";
        assert_eq!(request(chunked).body, b"abc");
        assert!(read(&mut &b""[..]).unwrap().is_none());
        assert!(read(&mut &b"\r\n"[..]).is_err());
    }
}
