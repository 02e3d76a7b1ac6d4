//! `subroot pull`, `login` and `logout`: execute subroot-image, which speaks with registries.

use crate::cli::args::{LoginArgs, LogoutArgs, PullArgs, TlsArgs};
use crate::cli::trees::program::{execute, helper};
use std::ffi::OsString;

/// Pulls images.
///
/// # Errors
/// subroot-image is not installed, or cannot be executed.
pub(crate) fn pull(typed: &PullArgs, is_quiet: bool) -> anyhow::Result<u8> {
    let mut args: Vec<OsString> = vec!["pull".into()];
    args.extend(is_quiet.then(|| "--quiet".into()));
    args.extend(verification(&typed.tls));
    args.extend(helper(&typed.mapper));
    args.extend(["--".into()].into_iter().chain(typed.images.iter().cloned()));
    execute(args)
}

/// Keeps the credentials of a registry.
///
/// # Errors
/// As for [`pull`].
pub(crate) fn login(typed: &LoginArgs) -> anyhow::Result<u8> {
    let mut args: Vec<OsString> = vec!["login".into()];
    args.extend(verification(&typed.tls));
    args.extend(typed.username.as_ref().map(|name| format!("--user={name}").into()));
    args.extend(typed.password_stdin.then(|| "--password-stdin".into()));
    args.extend(["--".into(), typed.registry.clone().into()]);
    execute(args)
}

/// Removes the credentials of a registry.
///
/// # Errors
/// As for [`pull`].
pub(crate) fn logout(typed: &LogoutArgs) -> anyhow::Result<u8> {
    execute(vec!["logout".into(), "--".into(), typed.registry.clone().into()])
}

pub(super) fn verification(typed: &TlsArgs) -> Option<OsString> {
    (typed.tls_verify == Some(false)).then(|| "--tls-verify=false".into())
}
