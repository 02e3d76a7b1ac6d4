//! A registry in one thread of the test, whose every answer the test decides.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// With the query.
    pub(crate) path: String,
    /// By names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn read(stream: &TcpStream) -> Option<Request> {
        let mut reader = BufReader::new(stream);
        // A connection with TLS begins so.
        if reader.fill_buf().ok()?.first() == Some(&0x16) {
            return None;
        }
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let path = words.nth(1)?.to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        reader.read_exact(&mut vec![0; length]).ok()?;
        Some(Request { path, headers })
    }
}

/// An answer, as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// What is said of its length, if that is not the truth.
    length: Option<usize>,
    /// True if the body is repeated until the client has enough.
    is_endless: bool,
    /// True if nothing follows until the client has ended.
    hangs: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: body.into(),
            length: None,
            is_endless: false,
            hangs: false,
        }
    }

    pub(crate) fn manifest(body: Vec<u8>) -> Answer {
        let is_index = !String::from_utf8_lossy(&body).contains("\"layers\"");
        let kind = if is_index { "index" } else { "manifest" };
        Answer::new(200, body).with("Content-Type", &format!("application/vnd.oci.image.{kind}.v1+json"))
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
        Answer::new(status, format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#))
    }

    pub(crate) fn redirect(status: u16, location: &str) -> Answer {
        Answer::new(status, "").with("Location", location)
    }

    /// The part that a request asks for.
    pub(crate) fn part(body: &[u8], request: &Request) -> Answer {
        let start = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        match start.and_then(|start| start.parse::<usize>().ok()) {
            Some(start) => {
                let range = format!("bytes {start}-{}/{}", body.len() - 1, body.len());
                Answer::new(206, &body[start..]).with("Content-Range", &range)
            }
            None => Answer::new(200, body),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Only the first bytes, of a body that is said to be complete.
    pub(crate) fn cut(mut self, at: usize) -> Answer {
        self.length = Some(self.body.len());
        self.body.truncate(at);
        self
    }

    pub(crate) fn endless(mut self) -> Answer {
        self.is_endless = true;
        self
    }

    pub(crate) fn hanging(mut self) -> Answer {
        self.hangs = true;
        self
    }

    fn send(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Status\r\nConnection: close\r\n", self.status);
        if !self.is_endless {
            head += &format!("Content-Length: {}\r\n", self.length.unwrap_or(self.body.len()));
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        stream.write_all(&self.body)?;
        if self.is_endless {
            loop {
                stream.write_all(&self.body)?;
            }
        }
        if self.hangs {
            stream.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    }
}

/// A registry that runs until it is dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    has_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    pub(crate) fn new(answer: impl Fn(&Request) -> Answer + Send + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (requests, has_ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, ended) = (Arc::clone(&requests), Arc::clone(&has_ended));
        let serve = move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.expect("a connection");
                if let Some(request) = Request::read(&stream) {
                    seen.lock().expect("the list").push(request.clone());
                    // The client may have enough.
                    let _ended = answer(&request).send(&stream);
                }
            }
        };
        Fake { address, requests, has_ended, thread: Some(thread::spawn(serve)) }
    }

    /// The host and port.
    pub(crate) fn name(&self) -> String {
        self.address.to_string()
    }

    /// The name of the image.
    pub(crate) fn web(&self) -> String {
        format!("{}/web", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("the list").clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::SeqCst);
        // Wakes the thread up.
        let _connected = TcpStream::connect(self.address);
        self.thread.take().map(JoinHandle::join);
    }
}
