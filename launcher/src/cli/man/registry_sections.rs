//! The sections of the pages of `subroot pull`, `login` and `logout`.

pub(super) const PULL_NOTES: &str = "\
# NOTES
A registry must be encrypted and have a certificate that the system knows, one on localhost included, unless --tls-verify=false is
given. Its manifest, its configuration and every layer must have the digest and the size that were announced. Of several
platforms, this machine's is taken. OCI's images and Docker's of schema 2 are understood; their layers can be compressed by gzip or zstd.

Up to three layers are downloaded at a time, and each is unpacked while the next ones are downloaded. After a broken connection, the
rest of a layer is requested. A layer that the store has is not requested again. If a pull fails or is interrupted, no image
changes; complete layers are kept only if an image needs them.

Credentials are those of subroot-login(1). They are sent only to the registry itself and to the token server that it names, never to
where it redirects a request.

Hosts are looked up by getent(1), and so by all name services of nsswitch.conf(5).
";

pub(super) const PULL_ENVIRONMENT: &str = "\
# ENVIRONMENT
- HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY: The proxy, and the hosts that need none; in small letters too.
- SSL_CERT_FILE, SSL_CERT_DIR: Certificates instead of the system's.
- SUBROOT_STORE: The store.
";

pub(super) const PULL_FILES: &str = "\
# FILES
- $SUBROOT_STORE, $XDG_DATA_HOME/subroot/store, ~/.local/share/subroot/store: The store, the first of these that is set.
- ~/.config/containers/registries.conf, /etc/containers/registries.conf: Mirrors, other locations and blocked registries, as in
  containers-registries.conf(5); also the files in registries.conf.d. Short names and `insecure` have no effect.
- /etc/ssl/certs: The certificates that are trusted.
- /usr/libexec/subroot/subroot-image: The program that speaks with registries. One beside `subroot`, or in `../libexec/subroot` from
  its directory, is used instead.
";

pub(super) const PULL_EXAMPLES: &str = "\
# EXAMPLES
    subroot pull alpine
    subroot pull quay.io/podman/hello ghcr.io/owner/app:1.2
    subroot pull debian@sha256:DIGEST
    subroot pull --tls-verify=false localhost:5000/mine
";

pub(super) const LOGIN_NOTES: &str = "\
# NOTES
The name and the password are sent to the registry, and kept only if it accepts them. A password is never an argument, which other
users could see. It is kept in base64, which is no protection but the mode 0600 of the file; with a credential helper, it is kept by
the program `docker-credential-NAME`.
";

pub(super) const LOGIN_FILES: &str = "\
# FILES
- $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json, ~/.docker/config.json: Credentials, as
  podman and docker keep them. If $REGISTRY_AUTH_FILE is set, only that file is used; otherwise all are read, and
  the first whose directory is known is written. `credHelpers` and `credsStore` in them name credential helpers.
";

pub(super) const LOGIN_EXAMPLES: &str = "\
# EXAMPLES
    subroot login docker.io
    subroot login -u ci --password-stdin ghcr.io <token
";
