//! What several test files need: a hand-written HTTP client, so that nothing between the test and the wire hides a
//! mistake.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

pub mod shape;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// An answer from the wire.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is text")
    }
}

/// One kept-alive connection.
pub struct Client {
    stream: BufReader<TcpStream>,
}

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIATEST/20261120/REGION/SERVICE/aws4_request, \
                             SignedHeaders=host, Signature=0";

impl Client {
    /// From `http://host:port` or `host:port`.
    pub fn connect(endpoint: &str) -> Self {
        let address = endpoint.strip_prefix("http://").unwrap_or(endpoint);
        let stream = TcpStream::connect(address).expect("the server listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout can be set");
        // Head and body are written one after the other.
        stream.set_nodelay(true).expect("the option can be set");
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// `None` if the connection was closed without an answer.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Reply> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: local\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        self.read()
    }

    /// Sends a request and does not wait for the answer.
    pub fn write(&mut self, request: &str) {
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .expect("the server listens");
    }

    fn read(&mut self) -> Option<Reply> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers
            .get("content-length")
            .map_or(0, |text| text.parse().unwrap_or(0));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        Some(Reply {
            status,
            headers,
            body,
        })
    }

    /// A KMS call as the SDK sends it.
    pub fn kms(&mut self, operation: &str, body: &Value) -> Reply {
        self.kms_in("us-east-1", operation, body)
            .expect("an answer")
    }

    pub fn kms_in(&mut self, region: &str, operation: &str, body: &Value) -> Option<Reply> {
        let target = format!("TrentService.{operation}");
        let authorization = AUTHORIZATION
            .replace("REGION", region)
            .replace("SERVICE", "kms");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
            ("authorization", authorization.as_str()),
        ];
        self.send("POST", "/", &headers, body.to_string().as_bytes())
    }

    /// A CloudTrail call as the SDK sends it.
    pub fn cloudtrail(&mut self, region: &str, operation: &str, body: &Value) -> Reply {
        let target = format!("CloudTrail_20131101.{operation}");
        let authorization = AUTHORIZATION
            .replace("REGION", region)
            .replace("SERVICE", "cloudtrail");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
            ("authorization", authorization.as_str()),
        ];
        self.send("POST", "/", &headers, body.to_string().as_bytes())
            .expect("an answer")
    }

    /// An SNS call as the SDK sends it.
    pub fn sns(&mut self, members: &[(&str, &str)]) -> Reply {
        let form: String = members
            .iter()
            .map(|(name, value)| format!("{name}={}&", percent_encoded(value)))
            .collect();
        let authorization = AUTHORIZATION
            .replace("REGION", "us-east-1")
            .replace("SERVICE", "sns");
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", authorization.as_str()),
        ];
        self.send("POST", "/", &headers, form.trim_end_matches('&').as_bytes())
            .expect("an answer")
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
