//! The command line: one file for each command.

pub(crate) mod args;
pub(crate) mod completions;
pub(crate) mod detached;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod grants;
pub(crate) mod help;
pub(crate) mod idmap;
pub(crate) mod images;
pub(crate) mod listing;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod man;
pub(crate) mod mistakes;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod owner;
pub(crate) mod print_plan;
pub(crate) mod trees;
pub(crate) mod values;

use crate::child::prepared::Launch;
use crate::cli::args::further::Unreadable;
use crate::cli::args::{ExecArgs, RunArgs, Verb, further};
use crate::cli::images::Taken;
use crate::cli::mistakes::spellings;
use crate::cli::options::Asked;
use crate::cli::print_plan::FORMAT;
use crate::cli::values::passed;
use crate::error::Error;
use crate::parent::join;
use crate::parent::launch;
use crate::parent::registry;
use crate::parent::status_stream;
use crate::plan::Plan;
use crate::plan::progress;
use crate::request::sandbox::Sandbox;
use crate::sys::standard_error::escaped;
use log::LevelFilter;
use nix::errno::Errno;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

/// The program: reads the command line, runs the command, and returns its exit status.
pub fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => ExitCode::from(output::status(&error)),
    }
}

fn run() -> anyhow::Result<u8> {
    if crate::sys::program::is_secure_execution() {
        return Err(Error::Setuid.into());
    }
    let (args, command) = args::split_command(std::env::args_os());
    let (cli, args) = spellings::read(args);
    let cli = match further::read(cli, &args)? {
        Ok(cli) => cli,
        Err(Unreadable { message, descriptor }) => {
            return Ok(output::usage(&message, || {
                let (why, fix) = mistakes::explain(&message, &args);
                (further::located(why, descriptor), fix)
            }));
        }
    };
    log_to_standard_error(cli.verbose);
    if cli.quiet {
        crate::sys::standard_error::be_quiet();
    }
    match cli.verb {
        Verb::Run(typed) => run_sandbox(*typed, command),
        Verb::Exec(typed) => run_in_sandbox(typed, command),
        Verb::Ps(typed) => listing::print(&typed),
        Verb::Kill(typed) => listing::kill(&typed),
        Verb::Logs(typed) => detached::logs(&typed),
        Verb::Attach(typed) => detached::attach(&typed),
        Verb::Wait(typed) => detached::wait(&typed),
        Verb::Stop(typed) => Ok(detached::stop(&typed)),
        Verb::Unshare(typed) => Ok(options::unshare(typed, command).run()?.into()),
        Verb::Import(typed) => trees::import(&typed, cli.quiet),
        Verb::Commit(typed) => trees::commit(&typed, cli.quiet),
        Verb::Export(typed) => trees::export(&typed, cli.quiet),
        Verb::Pull(typed) => trees::pull(&typed, cli.quiet),
        Verb::Login(typed) => trees::login(&typed),
        Verb::Logout(typed) => trees::logout(&typed),
        Verb::Images(typed) => trees::list_images(&typed),
        Verb::Rmi(typed) => trees::remove_images(&typed),
        Verb::Inspect(typed) => trees::inspect(&typed),
        Verb::Rm(typed) => trees::remove(&typed),
        Verb::Du(typed) => trees::print(&typed),
        Verb::Idmap(typed) => idmap::print(&typed),
        Verb::Doctor(typed) => doctor::print(&typed),
        Verb::Grants(typed) => grants::print(&typed),
        Verb::Completions(typed) => completions::print(&typed),
    }
}

/// Logs what `-v` or SUBROOT_LOG requests. The variable takes precedence.
fn log_to_standard_error(verbose: u8) {
    if verbose == 0 && std::env::var_os("SUBROOT_LOG").is_none() {
        return;
    }
    progress::start_clock();
    let level = [LevelFilter::Warn, LevelFilter::Info];
    let level = level.get(usize::from(verbose)).copied().unwrap_or(LevelFilter::Debug);
    let line = |record: &log::Record<'_>| escaped(&record.args().to_string());
    let mut logger = env_logger::Builder::new();
    logger.format(move |output, record| writeln!(output, "subroot: {}", line(record)));
    logger.filter_level(level).parse_env("SUBROOT_LOG").init();
}

fn run_sandbox(typed: RunArgs, command: Option<Vec<OsString>>) -> anyhow::Result<u8> {
    let format = typed.reports.print_plan.as_deref().map(|typed| FORMAT.read(Some(typed))).transpose();
    let format = format.map_err(|why| Error::Usage { what: "--print-plan", why })?;
    let wishes = options::wishes(&typed)?;
    let (mut sandbox, asked) = options::run(typed, command)?;
    if format.is_none() && wishes.is_some() {
        detached::name(&mut sandbox)?;
    }
    let streams = if format.is_some() { Vec::new() } else { sandbox.status_stream.as_slice().to_vec() };
    let prepared = prepared(&mut sandbox, &asked, format.is_none());
    let launch = match prepared.inspect_err(|error| status_stream::report_failure(&streams, error))? {
        Ok(launch) => launch,
        Err(status) => {
            let why = "unpacking the image".into();
            status_stream::report_failure(&streams, &Error::Monitored { why, fix: None, status });
            return Ok(status);
        }
    };
    // While the command runs, nothing else holds what is passed to it.
    drop((sandbox, streams));
    match (format, wishes) {
        (Some(format), _) => print_plan::print(&launch.plan, format),
        (None, Some(wishes)) => detached::start(launch, wishes),
        (None, None) => Ok(launch::launch(launch)?.status()),
    }
}

/// The launch, or the exit status if an image could not be unpacked. Images are looked for only if there is no
/// directory, so that a launch of a directory does not pay for them.
fn prepared(sandbox: &mut Sandbox, asked: &Asked, may_prepare: bool) -> Result<Result<Launch, u8>, Error> {
    match Launch::new(sandbox) {
        Err(Error::Rootfs { path, errno }) if matches!(errno.0, Errno::ENOENT | Errno::ENOTDIR) => {
            match images::take(sandbox, asked, may_prepare)? {
                Taken::Image(ids) => Launch::of(Plan::with(sandbox, Some(*ids))?).map(Ok),
                Taken::No => Err(Error::Rootfs { path, errno }),
                Taken::Stopped(status) => Ok(Err(status)),
            }
        }
        launch => launch.map(Ok),
    }
}

fn run_in_sandbox(typed: ExecArgs, command: Option<Vec<OsString>>) -> anyhow::Result<u8> {
    let passed = passed::take(typed.preserve_fds, &[])?;
    let known = registry::find(&typed.sandbox)?;
    let mut process = options::exec(typed, command, &known)?;
    passed::remove_variables(&passed, &mut process.environment);
    Ok(join::run(&join::Joined::new(&known, process)?, passed, &[])?.status())
}
