//! What the configuration of an image means for a request. What the command line says comes first.

use crate::cli::options::Asked;
use crate::cli::values::{ids, signals};
use crate::images::run_file::Config;
use crate::request::environment::set;
use crate::request::mount::Mount;
use crate::request::process::{Workdir, check_workdir};
use crate::request::root::Overlay;
use crate::request::sandbox::Sandbox;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Programs that are interactive on a terminal.
const SHELLS: [&str; 6] = ["ash", "bash", "dash", "fish", "sh", "zsh"];

/// Applies a configuration. Changes are discarded unless the request says otherwise; volumes and health checks
/// are not used.
///
/// # Errors
/// A value is invalid.
pub(crate) fn apply(sandbox: &mut Sandbox, config: Config, asked: &Asked) -> Result<(), String> {
    let Config { env, entrypoint, cmd, user, workdir, stop_signal, .. } = config;
    if sandbox.overlay.is_none() && !sandbox.read_only {
        sandbox.overlay = Some(Overlay::Memory);
    }
    take_environment(sandbox, env, asked);
    take_command(sandbox, (entrypoint, cmd), asked);
    if sandbox.process.user.is_none() && !user.is_empty() {
        let invalid = |why| format!("its user {user}: {why}");
        sandbox.process.user = Some(ids::user(user.as_ref()).map_err(invalid)?);
    }
    take_workdir(sandbox, &workdir, asked)?;
    if !stop_signal.is_empty() {
        let signal = signals::signal(&stop_signal);
        sandbox.process.stop_signal =
            Some(signal.ok_or_else(|| format!("its stop signal {stop_signal} is unknown"))?);
    }
    Ok(())
}

/// A text without `=` sets nothing.
fn take_environment(sandbox: &mut Sandbox, env: Vec<String>, asked: &Asked) {
    for (name, value) in env.iter().filter_map(|text| text.split_once('=')) {
        let is_asked = asked.environment.iter().any(|(known, _)| known == name);
        if !is_asked && !name.is_empty() {
            set(&mut sandbox.process.environment, name.into(), value.into());
        }
    }
}

/// As in docker, an entry point of the command line replaces the image's command as well.
fn take_command(sandbox: &mut Sandbox, (entrypoint, cmd): (Vec<String>, Vec<String>), asked: &Asked) {
    let words = |texts: Vec<String>| texts.into_iter().map(OsString::from);
    let has_entrypoint = asked.entrypoint.is_some();
    let prefix = if has_entrypoint { Vec::new() } else { entrypoint };
    match &mut sandbox.command {
        Some(_) if has_entrypoint => {}
        Some(command) => *command = words(prefix).chain(command.drain(..)).collect(),
        None => {
            let cmd = if has_entrypoint { Vec::new() } else { cmd };
            let command: Vec<OsString> = words(prefix).chain(words(cmd)).collect();
            sandbox.prefers_terminal &= command.is_empty() || is_shell(&command);
            sandbox.command = Some(command).filter(|command| !command.is_empty());
        }
    }
}

fn is_shell(command: &[OsString]) -> bool {
    let [program] = command else { return false };
    Path::new(program).file_name().is_some_and(|name| SHELLS.iter().any(|shell| name == *shell))
}

/// The working directory is made if it is missing, also one of the command line.
fn take_workdir(sandbox: &mut Sandbox, workdir: &str, asked: &Asked) -> Result<(), String> {
    if !asked.has_workdir && !workdir.is_empty() {
        let dir = PathBuf::from(workdir);
        check_workdir(&dir).map_err(|why| format!("its working directory: {why}"))?;
        sandbox.process.workdir = Workdir::Asked(dir);
    }
    match &sandbox.process.workdir {
        Workdir::Asked(dir) if dir.is_absolute() && dir != Path::new("/") => {
            sandbox.mounts.push(Mount::dir(dir.clone()));
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::apply;
    use crate::cli::options::Asked;
    use crate::images::run_file::Config;
    use crate::request::process::Workdir;
    use crate::request::sandbox::Sandbox;
    use std::ffi::OsString;

    fn config() -> Config {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        Config {
            env: words("A=1 B=2 broken =x"),
            entrypoint: words("/e x"),
            cmd: words("c d"),
            ..Config::default()
        }
    }

    fn command(typed: Option<&[&str]>, entrypoint: Option<&[&str]>) -> Option<Vec<String>> {
        let owned = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let mut sandbox = Sandbox::new("/");
        let asked = Asked { entrypoint: entrypoint.map(owned), ..Asked::default() };
        sandbox.command = asked.command(typed.map(owned));
        apply(&mut sandbox, config(), &asked).unwrap();
        let text = |word: OsString| word.into_string().unwrap();
        sandbox.command.map(|command| command.into_iter().map(text).collect())
    }

    #[test]
    fn entry_point_and_command_are_as_in_docker() {
        let words = |text: &str| Some(text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(command(None, None), words("/e x c d"));
        assert_eq!(command(Some(&["y"]), None), words("/e x y"));
        assert_eq!(command(None, Some(&["/f"])), words("/f"));
        assert_eq!(command(Some(&["y"]), Some(&["/f"])), words("/f y"));
        assert_eq!(command(Some(&["y"]), Some(&[])), words("y"));
        assert_eq!(command(None, Some(&[])), None);
    }

    #[test]
    fn variables_of_the_command_line_win() {
        let mut sandbox = Sandbox::new("/").env("A", "mine");
        let asked = Asked { environment: vec![("A".into(), "mine".into())], ..Asked::default() };
        apply(&mut sandbox, config(), &asked).unwrap();
        let value = |name: &str| {
            let found = sandbox.process.environment.iter().filter(|(known, _)| known == name);
            found.map(|(_, value)| value.to_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(
            (value("A"), value("B"), value("broken"), value("")),
            (vec!["mine"], vec!["2"], vec![], vec![])
        );
    }

    #[test]
    fn the_working_directory_and_the_stop_signal_are_checked() {
        let with = |workdir: &str, stop_signal: &str| {
            let mut sandbox = Sandbox::new("/");
            let config =
                Config { workdir: workdir.into(), stop_signal: stop_signal.into(), ..Config::default() };
            apply(&mut sandbox, config, &Asked::default())
                .map(|()| (sandbox.process.workdir, sandbox.mounts.len(), sandbox.process.stop_signal))
        };
        assert_eq!(with("/w", "SIGQUIT"), Ok((Workdir::Asked("/w".into()), 1, Some(3))));
        assert_eq!(with("", ""), Ok((Workdir::Asked("/".into()), 0, None)));
        assert_eq!(with("/", "SIGRTMIN+3"), Ok((Workdir::Asked("/".into()), 0, Some(37))));
        assert!(with("w", "").unwrap_err().starts_with("its working directory: w is not an absolute path"));
        assert_eq!(with("", "SIGWHAT").unwrap_err(), "its stop signal SIGWHAT is unknown");
    }
}
