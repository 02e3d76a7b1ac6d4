//! The content of a blob. After a broken connection, the rest is requested.

use crate::error::{Error, reason};
use crate::registry::client::Repository;
use crate::registry::refusal::Refusal;
use crate::store::blobs::Blob;
use std::io::{self, ErrorKind, Read};
use std::time::Duration;
use ureq::BodyReader;
use ureq::http::HeaderMap;

/// How often in succession a connection may break.
const MOST_BREAKS: u32 = 4;
/// So many bytes between two breaks are progress.
const PROGRESS: u64 = 1 << 20;

/// A stream of a blob's bytes, which are not verified.
pub(crate) struct BlobReader<'a> {
    repository: &'a Repository,
    blob: &'a Blob,
    body: Option<BodyReader<'static>>,
    position: u64,
    breaks: u32,
    /// The position of the last break.
    broken_at: u64,
    /// Why it failed.
    refusal: Option<Refusal>,
}

impl<'a> BlobReader<'a> {
    pub(crate) fn new(repository: &'a Repository, blob: &'a Blob) -> BlobReader<'a> {
        BlobReader { repository, blob, body: None, position: 0, breaks: 0, broken_at: 0, refusal: None }
    }

    /// Why reading failed; `None` if the registry is not the reason.
    pub(crate) fn failure(&mut self) -> Option<Error> {
        let Refusal { why, kind } = self.refusal.take()?;
        let why = format!("blob {}: {why}", self.blob.digest);
        Some(self.repository.failed(Refusal { why, kind }))
    }

    /// Requests what is missing.
    fn open(&self) -> Result<BodyReader<'static>, Refusal> {
        let response = self.repository.blob(&self.blob.digest.to_string(), self.position)?;
        let (size, start) = (self.blob.size, self.position);
        let is_rest = response.status() == 206;
        let found = if is_rest {
            range(response.headers())
        } else {
            length(response.headers()).map(|length| (0, length))
        };
        match found {
            Some((_, length)) if length != size => {
                return Err(Refusal::new(format!("it has {length} bytes, and its manifest says {size}")));
            }
            Some((found, _)) if is_rest && found != start => {
                return Err(Refusal::new("the registry sends another part of it"));
            }
            None if is_rest => {
                return Err(Refusal::new("the registry does not say which part of it it sends"));
            }
            _ => {}
        }
        let mut body = response.into_body().into_reader();
        if !is_rest && start > 0 {
            // The registry has no ranges. The digest shows whether it is the same content.
            let skipped = io::copy(&mut body.by_ref().take(start), &mut io::sink());
            skipped.map_err(|error| Refusal::new(reason(&error)))?;
        }
        Ok(body)
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Refusal> {
        loop {
            let mut body = match self.body.take() {
                Some(body) => body,
                None => self.open()?,
            };
            match body.read(buffer) {
                Ok(0) if self.position < self.blob.size => self.wait("it ends too early".into())?,
                Ok(count) => {
                    self.body = Some(body);
                    self.position += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => self.body = Some(body),
                Err(error) => self.wait(reason(&error))?,
            }
        }
    }

    /// Waits before the rest is requested.
    fn wait(&mut self, why: String) -> Result<(), Refusal> {
        self.breaks = if self.position - self.broken_at >= PROGRESS { 1 } else { self.breaks + 1 };
        self.broken_at = self.position;
        if self.breaks > MOST_BREAKS || self.repository.http.is_cancelled() {
            return Err(Refusal::new(format!("the connection broke {} times: {why}", self.breaks)));
        }
        self.repository.http.sleep(Duration::from_millis(50 << self.breaks))
    }
}

impl Read for BlobReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(|refusal| {
            let error = io::Error::other(refusal.why.clone());
            self.refusal = Some(refusal);
            error
        })
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    // Error ignored: the length is then unknown.
    headers.get("content-length")?.to_str().ok()?.parse().ok()
}

/// The start and the whole length of `Content-Range: bytes START-END/LENGTH`.
fn range(headers: &HeaderMap) -> Option<(u64, u64)> {
    // Error ignored: the caller refuses it.
    let text = headers.get("content-range")?.to_str().ok()?.strip_prefix("bytes ")?;
    let (part, length) = text.split_once('/')?;
    let (start, _) = part.split_once('-')?;
    // Error ignored: as above.
    Some((start.parse().ok()?, length.parse().ok()?))
}
