//! The command line, as `subroot` writes it. What a user types is read there.

use crate::commands::commit::Commit;
use crate::commands::export::Export;
use crate::commands::images::Listing;
use crate::commands::import::{Policy, Request, Target};
use crate::commands::login::Login;
use crate::error::Error;
use crate::pack::task::PackTask;
use crate::task::Task;
use serde::de::DeserializeOwned;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use subroot::images::id_options::IdOptions;

/// The maximum size of an image's files if the command line has none.
const MAX_SIZE: u64 = 64 << 30;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// `import [--quiet] [--squash-ids] [ID OPTIONS] [--max-size=BYTES] -- SOURCE DIR|NAME`
    Import(Request, Target),
    /// `prepare [--quiet] [--pull=POLICY] [--tls-verify=false] [ID OPTIONS] -- NAME|TRANSPORT`, which a launch runs.
    Prepare(Request),
    /// `pull [--quiet] [--tls-verify=false] -- NAME…`
    Pull(Request, Vec<OsString>),
    /// `export [--quiet] [--format=FORMAT] [ID OPTIONS] -- IMAGE|DIR FILE`
    Export(Export),
    /// `commit [--quiet] [ID OPTIONS] -- IMAGE DIR NAME`
    Commit(Commit),
    /// `login [--tls-verify=false] [--user=USER] [--password-stdin] -- REGISTRY`
    Login(Login),
    /// `logout -- REGISTRY`
    Logout(String),
    /// `images [--all] [--json] [--ids]`
    Images(Listing),
    /// `prune`
    Prune,
    /// `rmi -- NAME…`
    Remove(Vec<OsString>),
    /// `inspect -- NAME…`
    Inspect(Vec<OsString>),
    /// `unpack JSON`, which an import runs.
    Unpack(Task),
    /// `pack JSON`, which an export runs.
    Pack(PackTask),
    /// `probe`, which an import into the store runs.
    Probe,
}

/// Reads the arguments.
///
/// # Errors
/// They are not as `subroot` writes them, or what is typed there is neither a directory nor a name.
pub(crate) fn read(args: &[OsString]) -> Result<Command, Error> {
    let unknown = || Error::Usage { why: "this program is run by subroot; see subroot import --help".into() };
    let (command, args) = args.split_first().ok_or_else(unknown)?;
    let (options, words) = match args.iter().position(|arg| arg == "--") {
        Some(end) => (args.get(..end).unwrap_or_default(), args.get(end + 1..).unwrap_or_default()),
        None => (args, &[] as &[OsString]),
    };
    let none_but = |command| (options.is_empty() && words.is_empty()).then_some(command);
    match (command.as_bytes(), words) {
        (b"import", [source, target]) => {
            let target = Target::read(target)?;
            request(source, options).map(|request| Command::Import(request, target))
        }
        (b"prepare", [name]) => request(name, options).map(Command::Prepare),
        (b"pull", [_, ..]) => {
            request(OsStr::new(""), options).map(|request| Command::Pull(request, words.to_vec()))
        }
        (b"login", [registry]) => login(registry, options).map(Command::Login),
        (b"logout", [registry]) if options.is_empty() => {
            registry.to_str().map(|registry| Command::Logout(registry.to_owned()))
        }
        (b"images", []) => listing(options).map(Command::Images),
        (b"prune", []) => none_but(Command::Prune),
        (b"rmi", [_, ..]) if options.is_empty() => Some(Command::Remove(words.to_vec())),
        (b"inspect", [_, ..]) if options.is_empty() => Some(Command::Inspect(words.to_vec())),
        (b"export", [source, target]) => export(source, target, options).map(Command::Export),
        (b"commit", [image, dir, name]) => {
            let (image, name) = (image.clone(), name.clone());
            request(dir, options).map(|request| Command::Commit(Commit { request, image, name }))
        }
        (b"unpack", []) => task(options).map(Command::Unpack),
        (b"pack", []) => task(options).map(Command::Pack),
        (b"probe", []) => none_but(Command::Probe),
        _ => None,
    }
    .ok_or_else(unknown)
}

fn request(source: &OsStr, options: &[OsString]) -> Option<Request> {
    let mut request = Request {
        source: source.into(),
        squashes: false,
        max_size: MAX_SIZE,
        ids: IdOptions::default(),
        is_quiet: false,
        verifies: true,
        policy: Policy::Missing,
    };
    options.iter().try_for_each(|option| take(&mut request, option)).map(|()| request)
}

fn export(source: &OsStr, target: &OsStr, options: &[OsString]) -> Option<Export> {
    let is_format = |option: &&OsString| option.as_bytes().starts_with(b"--format=");
    let (formats, others): (Vec<&OsString>, Vec<&OsString>) = options.iter().partition(is_format);
    let others: Vec<OsString> = others.into_iter().cloned().collect();
    let format = formats.first().and_then(|format| format.to_str()?.strip_prefix("--format="));
    let format = format.map(str::to_owned);
    Some(Export { request: request(source, &others)?, target: target.into(), format })
}

fn take(request: &mut Request, option: &OsStr) -> Option<()> {
    let bytes = option.as_bytes();
    if let Some(size) = bytes.strip_prefix(b"--max-size=") {
        request.max_size = number(OsStr::from_bytes(size))?;
    } else {
        match bytes {
            b"--quiet" => request.is_quiet = true,
            b"--squash-ids" => request.squashes = true,
            b"--tls-verify=false" => request.verifies = false,
            b"--pull=missing" => request.policy = Policy::Missing,
            b"--pull=always" => request.policy = Policy::Always,
            b"--pull=never" => request.policy = Policy::Never,
            b"--pull=newer" => request.policy = Policy::Newer,
            _ => return request.ids.take(option),
        }
    }
    Some(())
}

fn login(registry: &OsStr, options: &[OsString]) -> Option<Login> {
    let registry = registry.to_str()?.to_owned();
    let mut login = Login { registry, user: None, reads_password: false, verifies: true };
    for option in options {
        match option.to_str()?.split_once('=').unwrap_or((option.to_str()?, "")) {
            ("--user", user) => login.user = Some(user.to_owned()),
            ("--password-stdin", "") => login.reads_password = true,
            ("--tls-verify", "false") => login.verifies = false,
            _ => return None,
        }
    }
    Some(login)
}

fn listing(options: &[OsString]) -> Option<Listing> {
    let mut listing = Listing::default();
    for option in options {
        match option.as_bytes() {
            b"--all" => listing.all = true,
            b"--json" => listing.json = true,
            b"--ids" => listing.ids = true,
            _ => return None,
        }
    }
    Some(listing)
}

fn task<T: DeserializeOwned>(args: &[OsString]) -> Option<T> {
    let [task] = args else { return None };
    // Error ignored: the caller refuses the command line.
    serde_json::from_str(task.to_str()?).ok()
}

fn number(text: &OsStr) -> Option<u64> {
    text.to_str()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::{Command, Listing, Target, read};
    use std::ffi::OsString;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn only_complete_commands_are_accepted() {
        let task = r#"{"target":[1,2],"squashes":false,"max_size":3,"map":null,"job":"Tree"}"#;
        assert!(matches!(read(&words(&format!("unpack {task}"))), Ok(Command::Unpack(_))));
        let Ok(Command::Import(request, target)) = read(&words("import --quiet --max-size=5 -- - ./dir"))
        else {
            panic!("an import");
        };
        assert!(request.is_quiet && request.max_size == 5 && request.source.as_os_str() == "-");
        assert_eq!(target, Target::Dir("./dir".into()));
        let Ok(Command::Import(_, target)) = read(&words("import -- - web")) else { panic!("an import") };
        assert!(matches!(target, Target::Name(name) if name.familiar() == "web"));
        assert!(matches!(read(&words("rmi -- a b")), Ok(Command::Remove(names)) if names.len() == 2));
        assert!(matches!(read(&words("images --all")), Ok(Command::Images(Listing { all: true, .. }))));
        for wrong in [
            "",
            "pull x",
            "pull --pull=what -- x",
            "login",
            "login --password=x -- r",
            "unpack {}",
            "unpack",
            "import a b",
            "import --what -- a b",
            "import -- a",
            "import -- a B",
            "rmi --",
            "prune x",
            "images --what",
        ] {
            assert!(read(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
