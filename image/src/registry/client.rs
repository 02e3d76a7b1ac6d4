//! A repository of a registry: requests for its manifests and blobs.

use crate::error::Error;
use crate::registry::access;
use crate::registry::challenge::Challenge;
use crate::registry::credentials::{self, Credentials};
use crate::registry::http::{Get, Http};
use crate::registry::refusal::{Kind, Refusal};
use crate::source::documents::{INDEXES, MANIFESTS};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use ureq::Body;
use ureq::http::{Response, Uri};

/// The host that serves docker.io.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// A repository, and the access to it.
pub(crate) struct Repository {
    pub(crate) http: Http,
    /// The canonical name of the image, for messages.
    image: String,
    /// The registry as names of images have it.
    pub(crate) registry: String,
    /// The host and port that serve it.
    host: String,
    /// The name of the repository in the registry.
    path: String,
    credentials: OnceLock<Option<Credentials>>,
    /// The address of the registry, once it is known whether connections are encrypted.
    base: OnceLock<Uri>,
    authorization: Mutex<Option<String>>,
}

impl Repository {
    /// The repository of a canonical name without its tag, or a whole registry.
    pub(crate) fn new(image: &str, repository: &str, http: Http) -> Repository {
        let (registry, path) = repository.split_once('/').unwrap_or((repository, ""));
        let host = if registry == HUB.0 { HUB.1 } else { registry };
        Repository {
            http,
            image: image.to_owned(),
            registry: registry.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            credentials: OnceLock::new(),
            base: OnceLock::new(),
            authorization: Mutex::new(None),
        }
    }

    /// The same with these credentials, whatever the files have.
    pub(crate) fn with_credentials(self, credentials: Credentials) -> Repository {
        Repository { credentials: OnceLock::from(Some(credentials)), ..self }
    }

    /// The error of a request.
    pub(crate) fn failed(&self, refusal: Refusal) -> Error {
        let Refusal { why, kind } = refusal;
        let has_credentials = self.credentials.get().is_some_and(Option::is_some);
        let fix =
            (kind == Kind::Login && !has_credentials).then(|| format!("subroot login {}", self.registry));
        Error::Registry { doing: "pulling", name: self.image.clone(), why, fix }
    }

    /// A manifest or an index, by its tag or digest.
    ///
    /// # Errors
    /// The registry does not have it.
    pub(crate) fn manifest(&self, reference: &str) -> Result<Response<Body>, Refusal> {
        let accept = INDEXES.iter().chain(&MANIFESTS).copied().collect::<Vec<_>>().join(", ");
        self.found(&format!("{}/manifests/{reference}", self.path), &[("Accept", accept)])
    }

    /// A blob, from this offset.
    ///
    /// # Errors
    /// The registry does not have it.
    pub(crate) fn blob(&self, digest: &str, offset: u64) -> Result<Response<Body>, Refusal> {
        let range: &[_] = &[("Range", format!("bytes={offset}-"))];
        let range = if offset == 0 { &[] } else { range };
        self.found(&format!("{}/blobs/{digest}", self.path), range)
    }

    /// The answer to a request about nothing, which shows whether the credentials are accepted.
    ///
    /// # Errors
    /// They are not.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        self.found("", &[]).map(drop)
    }

    fn found(&self, path: &str, headers: &[(&'static str, String)]) -> Result<Response<Body>, Refusal> {
        let response = self.get(path, headers)?;
        match response.status().as_u16() {
            200 | 206 => Ok(response),
            _ => Err(Refusal::of_response(&self.host, response)),
        }
    }

    /// A token can expire, so that every request may need another one.
    fn get(&self, path: &str, headers: &[(&'static str, String)]) -> Result<Response<Body>, Refusal> {
        let base = self.base()?;
        let address: Uri = format!("{base}{path}").parse().map_err(|_| Refusal::new("an invalid address"))?;
        let used = self.authorization().clone();
        let response = self.http.get(&address, Get { headers, authorization: used.as_deref() })?;
        if response.status() != 401 {
            return Ok(response);
        }
        let Some(challenge) = Challenge::of(response.headers()) else { return Ok(response) };
        drop(response);
        let authorization = self.authorize(&challenge, used)?;
        self.http.get(&address, Get { headers, authorization: Some(&authorization) })
    }

    /// Answers a challenge, unless another thread has done so since the request was made with `used`.
    fn authorize(&self, challenge: &Challenge, used: Option<String>) -> Result<String, Refusal> {
        let mut known = self.authorization();
        if let Some(newer) = known.clone().filter(|_| *known != used) {
            return Ok(newer);
        }
        let scope = (!self.path.is_empty()).then(|| format!("repository:{}:pull", self.path));
        let credentials = self.credentials()?;
        let made = access::authorization(&self.http, self.base()?, challenge, credentials, scope.as_deref())?;
        *known = Some(made.clone());
        Ok(made)
    }

    fn authorization(&self) -> MutexGuard<'_, Option<String>> {
        self.authorization.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn credentials(&self) -> Result<Option<&Credentials>, Refusal> {
        if self.credentials.get().is_none() {
            let name = format!("{}/{}", self.registry, self.path);
            let found = credentials::find(name.trim_end_matches('/'))?;
            return Ok(self.credentials.get_or_init(|| found).as_ref());
        }
        Ok(self.credentials.get().and_then(Option::as_ref))
    }

    /// The address of the registry. Only if it may be used without verification, connections without encryption are
    /// tried.
    fn base(&self) -> Result<&Uri, Refusal> {
        if let Some(base) = self.base.get() {
            return Ok(base);
        }
        let address = |scheme: &str| -> Result<Uri, Refusal> {
            let parsed = format!("{scheme}://{}/v2/", self.host).parse();
            parsed.map_err(|_| Refusal::new(format!("{} is not a host", self.host)))
        };
        let encrypted = address("https")?;
        let is_encrypted = self.http.verifies || self.http.answers(&encrypted);
        let base = if is_encrypted { encrypted } else { address("http")? };
        Ok(self.base.get_or_init(|| base))
    }
}
