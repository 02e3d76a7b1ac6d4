//! Requests: connections, redirects, and further attempts.

use crate::error::reason;
use crate::registry::address::{Origin, redirected};
use crate::registry::hosts::Hosts;
use crate::registry::refusal::{Kind, Refusal};
use rustls::crypto::ring;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, Request, Response, StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

const MOST_REDIRECTS: usize = 5;
const MOST_HEADERS: usize = 64 << 10;
/// The delays before further attempts, in milliseconds, unless the registry says how long to wait.
const DELAYS: [u64; 3] = [100, 500, 2000];
/// The longest wait that a registry can ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const SLICE: Duration = Duration::from_millis(20);

/// How long to wait for what.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) connect: Duration,
    /// For the next bytes of a response.
    pub(crate) read: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { connect: Duration::from_secs(10), read: Duration::from_secs(30) }
    }
}

/// The connections of one command. All threads use the same.
pub(crate) struct Http {
    agent: Agent,
    /// False if connections without encryption, and with unknown certificates, are allowed.
    pub(crate) verifies: bool,
    is_cancelled: AtomicBool,
}

/// A request that changes nothing.
#[derive(Clone, Copy, Default)]
pub(crate) struct Get<'a> {
    /// `Accept`, and what else is needed.
    pub(crate) headers: &'a [(&'static str, String)],
    /// Sent only to the origin of the address.
    pub(crate) authorization: Option<&'a str>,
}

impl Http {
    pub(crate) fn new(verifies: bool, patience: Patience) -> Http {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .disable_verification(!verifies)
            .build();
        let config = Agent::config_builder()
            .user_agent(concat!("subroot/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MOST_HEADERS)
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_per_read(Some(patience.read))
            .timeout_per_write(Some(patience.read))
            .accept_encoding("identity")
            .tls_config(tls);
        let agent = Agent::with_parts(config.build(), DefaultConnector::default(), Hosts);
        Http { agent, verifies, is_cancelled: AtomicBool::new(false) }
    }

    /// Ends all requests, of other threads too.
    pub(crate) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        self.agent.clone().shutdown();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// The response to a request. A broken connection and an overloaded server are tried again.
    ///
    /// # Errors
    /// There is none, or a redirect is refused.
    pub(crate) fn get(&self, address: &Uri, get: Get<'_>) -> Result<Response<Body>, Refusal> {
        let mut delays = DELAYS.into_iter().map(Duration::from_millis);
        loop {
            let (answer, delay) = (self.follow(address, get), delays.next());
            let wait = match (&answer, delay) {
                (Err(Refusal { kind: Kind::Again, .. }), Some(delay)) => delay,
                (Ok(response), Some(delay)) if is_overloaded(response.status()) => {
                    match asked_wait(response.headers()).unwrap_or(delay) {
                        wait if wait <= LONGEST_WAIT => wait,
                        _ => return answer,
                    }
                }
                _ => return answer,
            };
            drop(answer);
            self.sleep(wait)?;
        }
    }

    /// True if there is any response.
    pub(crate) fn answers(&self, address: &Uri) -> bool {
        // Error ignored: it has none.
        self.send(address, &[], None).is_ok()
    }

    /// Sends a form, as a token server expects it. It is not tried again.
    ///
    /// # Errors
    /// There is no response.
    pub(crate) fn post_form(&self, address: &Uri, form: &str) -> Result<Response<Body>, Refusal> {
        let request = self.agent.post(address).header("Content-Type", "application/x-www-form-urlencoded");
        request.send(form).map_err(|error| Refusal::of_connection(host(address), &error))
    }

    fn follow(&self, address: &Uri, get: Get<'_>) -> Result<Response<Body>, Refusal> {
        let own = Origin::of(address);
        let mut address = address.clone();
        for _ in 0..=MOST_REDIRECTS {
            let authorization = get.authorization.filter(|_| Origin::of(&address) == own);
            let response = self.send(&address, get.headers, authorization)?;
            if !is_redirect(response.status()) {
                return Ok(response);
            }
            let location = response.headers().get("location").and_then(|location| location.to_str().ok());
            address = redirected(&address, location.ok_or_else(|| Refusal::new("a redirect to nowhere"))?)?;
        }
        Err(Refusal::new(format!("more than {MOST_REDIRECTS} redirects")))
    }

    fn send(
        &self,
        address: &Uri,
        headers: &[(&'static str, String)],
        authorization: Option<&str>,
    ) -> Result<Response<Body>, Refusal> {
        let mut request = Request::get(address);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        let request =
            request.body(()).map_err(|error| Refusal::new(format!("an invalid request: {error}")))?;
        self.agent.run(request).map_err(|error| Refusal::of_connection(host(address), &error))
    }

    /// Waits, unless the command ends.
    ///
    /// # Errors
    /// It ends.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Refusal> {
        let start = Instant::now();
        while start.elapsed() < time {
            if self.is_cancelled() {
                return Err(Refusal::new("interrupted"));
            }
            thread::sleep(SLICE.min(time));
        }
        Ok(())
    }
}

/// All of a response that has at most `most` bytes.
///
/// # Errors
/// It breaks off, or is larger.
pub(crate) fn content(mut response: Response<Body>, most: u64, what: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let read = response.body_mut().as_reader().take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| Refusal::new(format!("{what}: {}", reason(&error))))?;
    if bytes.len() as u64 > most {
        return Err(Refusal::new(format!("{what} is larger than {most} bytes")));
    }
    Ok(bytes)
}

fn host(address: &Uri) -> &str {
    address.authority().map_or("", |authority| authority.as_str())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn is_overloaded(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// `Retry-After` in seconds; its other form, a date, is not used by registries.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    // Error ignored: the usual delay is then used.
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Get, Http, Patience};
    use std::net::TcpListener;
    use std::time::Duration;

    #[test]
    fn a_server_that_sends_nothing_is_given_up() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", server.local_addr().unwrap()).parse().unwrap();
        let patience = Patience { connect: Duration::from_secs(20), read: Duration::from_millis(50) };
        let refusal = Http::new(false, patience).get(&address, Get::default()).unwrap_err();
        assert!(refusal.why.ends_with(": it does not answer"), "{refusal:?}");
    }

    #[test]
    fn a_cancelled_command_makes_no_more_requests() {
        let http = Http::new(false, Patience::default());
        http.cancel();
        http.get(&"http://127.0.0.1:1/".parse().unwrap(), Get::default()).unwrap_err();
        http.sleep(Duration::from_secs(3600)).unwrap_err();
    }
}
