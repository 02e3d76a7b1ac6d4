//! The command line, as `subroot` writes it. What a user types is read there.

use crate::error::Error;
use crate::import::Request;
use crate::task::Task;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// `import [--quiet] [--squash-ids] [--helper=PATH] --max-size=BYTES -- SOURCE DIR`
    Import(Request),
    /// `unpack TASK`, which an import runs.
    Unpack(Task),
}

/// Reads the arguments.
///
/// # Errors
/// They are not as `subroot` writes them.
pub(crate) fn read(args: &[OsString]) -> Result<Command, Error> {
    let unknown = || Error::Usage { why: "this program is run by subroot; see subroot import --help".into() };
    let (command, args) = args.split_first().ok_or_else(unknown)?;
    match command.as_bytes() {
        b"import" => import(args).map(Command::Import),
        b"unpack" => task(args).map(Command::Unpack),
        _ => None,
    }
    .ok_or_else(unknown)
}

fn import(args: &[OsString]) -> Option<Request> {
    let end = args.iter().position(|arg| arg == "--")?;
    let (options, places) = args.split_at_checked(end)?;
    let [_, source, dir] = places else { return None };
    let mut request = Request {
        source: source.into(),
        dir: dir.into(),
        squashes: false,
        max_size: 0,
        helper: None,
        is_quiet: false,
    };
    options.iter().try_for_each(|option| take(&mut request, option)).map(|()| request)
}

fn take(request: &mut Request, option: &OsStr) -> Option<()> {
    let bytes = option.as_bytes();
    if let Some(size) = bytes.strip_prefix(b"--max-size=") {
        request.max_size = number(OsStr::from_bytes(size))?;
    } else if let Some(path) = bytes.strip_prefix(b"--helper=") {
        request.helper = Some(OsStr::from_bytes(path).into());
    } else {
        match bytes {
            b"--quiet" => request.is_quiet = true,
            b"--squash-ids" => request.squashes = true,
            _ => return None,
        }
    }
    Some(())
}

fn task(args: &[OsString]) -> Option<Task> {
    let [task] = args else { return None };
    // Error ignored: nobody types it.
    serde_json::from_str(task.to_str()?).ok()
}

fn number(text: &OsStr) -> Option<u64> {
    text.to_str()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::{Command, read};
    use std::ffi::OsString;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn only_complete_commands_are_accepted() {
        let task = r#"unpack {"target":[1,2],"squashes":false,"max_size":3,"job":"Tree"}"#;
        assert!(matches!(read(&words(task)), Ok(Command::Unpack(_))));
        let Ok(Command::Import(request)) = read(&words("import --quiet --max-size=5 -- - ./dir")) else {
            panic!("an import");
        };
        assert!(request.is_quiet && request.max_size == 5 && request.source.as_os_str() == "-");
        for wrong in
            ["", "pull x", "unpack", "unpack {}", "import a b", "import --what -- a b", "import -- a"]
        {
            assert!(read(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
