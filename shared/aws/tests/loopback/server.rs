//! An HTTP/1.1 server on loopback that counts its connections and keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What somebody asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// On which connection, counted from one.
    pub(crate) connection: usize,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    /// `DescribeKey`, …
    pub(crate) fn operation(&self) -> &str {
        match self.header("x-amz-target").rsplit_once('.') {
            Some((_, operation)) => operation,
            None => self
                .body
                .split('&')
                .find_map(|pair| pair.strip_prefix("Action="))
                .unwrap_or_default(),
        }
    }
}

/// What it is answered.
pub(crate) enum Answer {
    Http(u16, Vec<(&'static str, String)>, String),
    /// Nothing, ever.
    Silence,
    /// The end of the connection.
    Hangup,
}

impl Answer {
    pub(crate) fn ok(body: &str) -> Self {
        Self::Http(200, vec![], body.to_owned())
    }
}

#[derive(Default)]
struct Seen {
    connections: usize,
    first_bytes: Vec<u8>,
    requests: Vec<Request>,
}

/// The server; it ends with the process.
pub(crate) struct Server {
    pub(crate) address: String,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (answer, shared) = (Arc::new(answer), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = {
                    let mut seen = shared.lock().unwrap();
                    seen.connections += 1;
                    seen.connections
                };
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&shared));
                std::thread::spawn(move || serve(connection, stream.unwrap(), &*answer, &seen));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen().connections
    }

    /// The first bytes of the last connection.
    pub(crate) fn first_bytes(&self) -> Vec<u8> {
        self.seen().first_bytes.clone()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen().requests.clone()
    }

    /// Waits until there are `count` requests of which `wanted` is true.
    pub(crate) fn wait_for(&self, count: usize, wanted: impl Fn(&Request) -> bool) -> Vec<Request> {
        let start = Instant::now();
        loop {
            let found: Vec<_> = self.requests().into_iter().filter(&wanted).collect();
            if found.len() >= count {
                return found;
            }
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "only {found:?} of {:?}",
                self.requests()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn serve(
    connection: usize,
    stream: TcpStream,
    answer: &dyn Fn(&Request) -> Answer,
    seen: &Mutex<Seen>,
) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    seen.lock().unwrap().first_bytes = reader.fill_buf().map(<[u8]>::to_vec).unwrap_or_default();
    while let Some(request) = read(&mut reader) {
        let request = Request {
            connection,
            ..request
        };
        seen.lock().unwrap().requests.push(request.clone());
        match answer(&request) {
            Answer::Http(status, headers, body) => {
                let headers: String = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}\r\n"))
                    .collect();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n",
                    body.len()
                );
                if writer.write_all((head + &body).as_bytes()).is_err() {
                    return;
                }
            }
            Answer::Hangup => return,
            Answer::Silence => loop {
                std::thread::park();
            },
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut request = Request {
        line: line(reader)?,
        ..Request::default()
    };
    loop {
        let header = line(reader)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        request
            .headers
            .push((name.to_owned(), value.trim().to_owned()));
    }
    let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = reader.read_line(&mut line).ok()?;
    (length > 0).then(|| line.trim_end().to_owned())
}
