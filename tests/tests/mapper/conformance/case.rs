//! A case: one request on one host, and its result with either suite.

use crate::conformance::differences::is_listed;
use crate::conformance::effect::{Effect, Expected};
use crate::conformance::suite::Suite;
use subroot_tests::{Host, Kind, Outcome, Step, Target, User, start_with};

const KINDS: [Kind; 2] = [Kind::Uid, Kind::Gid];

type World = Box<dyn Fn(&Host)>;

/// A request to newuidmap and, with the same arguments, to newgidmap, each for a new target.
pub(crate) struct Case {
    words: Vec<String>,
    kinds: Vec<Kind>,
    worlds: Vec<World>,
    caller: fn(&Host) -> User,
    target: fn(&Host, &User) -> Target,
    name: fn(&Target) -> TargetName,
    environment: Vec<(String, String)>,
}

/// How the target is named on the command line, and what that requires.
pub(crate) struct TargetName {
    pub(crate) word: String,
    /// Steps that the program's process performs before it starts.
    pub(crate) steps: Vec<Step>,
    /// The process that is named instead of the target.
    pub(crate) other: Option<Target>,
}

impl TargetName {
    pub(crate) fn word(word: impl Into<String>) -> TargetName {
        TargetName { word: word.into(), steps: vec![], other: None }
    }

    pub(crate) fn pid(target: &Target) -> TargetName {
        TargetName::word(target.pid().to_string())
    }
}

pub(crate) fn program(kind: Kind) -> &'static str {
    match kind {
        Kind::Uid => "newuidmap",
        Kind::Gid => "newgidmap",
    }
}

pub(crate) fn grant_file(kind: Kind) -> &'static str {
    match kind {
        Kind::Uid => "/etc/subuid",
        Kind::Gid => "/etc/subgid",
    }
}

/// A request by alice with these arguments, split at blanks. She is granted 65,536 IDs from 100000.
pub(crate) fn case(words: &str) -> Case {
    words_case(words.split_whitespace())
}

/// The same with arguments that contain blanks or are empty.
pub(crate) fn words_case<'w>(words: impl IntoIterator<Item = &'w str>) -> Case {
    Case {
        words: words.into_iter().map(str::to_owned).collect(),
        kinds: KINDS.into(),
        worlds: vec![],
        caller: |host| host.user("alice"),
        target: |_, caller| Target::new(caller),
        name: TargetName::pid,
        environment: vec![],
    }
}

impl Case {
    /// Runs only one of the two programs.
    pub(crate) fn only(self, kind: Kind) -> Case {
        Case { kinds: vec![kind], ..self }
    }

    /// Changes the host before the request.
    pub(crate) fn with(mut self, world: impl Fn(&Host) + 'static) -> Case {
        self.worlds.push(Box::new(world));
        self
    }

    /// Writes this to both grant files.
    pub(crate) fn with_grants(self, content: impl AsRef<[u8]>) -> Case {
        let content = content.as_ref().to_vec();
        self.with(move |host| KINDS.iter().for_each(|kind| host.write(grant_file(*kind), &content)))
    }

    /// Adds accounts.
    pub(crate) fn with_accounts(self, lines: &str) -> Case {
        let lines = lines.to_owned();
        self.with(move |host| {
            let accounts = std::fs::read_to_string("/etc/passwd").expect("reading /etc/passwd");
            host.write("/etc/passwd", format!("{accounts}{lines}"));
        })
    }

    /// Makes the request as another user.
    pub(crate) fn by(self, caller: fn(&Host) -> User) -> Case {
        Case { caller, ..self }
    }

    /// Uses a different target.
    pub(crate) fn for_target(self, target: fn(&Host, &User) -> Target) -> Case {
        Case { target, ..self }
    }

    /// Names the target in another way than by its PID.
    pub(crate) fn named(self, name: fn(&Target) -> TargetName) -> Case {
        Case { name, ..self }
    }

    /// Sets an environment variable of the caller.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Case {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Expects the same result from both suites.
    #[track_caller]
    pub(crate) fn same(self, expected: Expected) {
        self.check(&expected, &expected);
    }

    /// Expects a difference that docs/differences-from-shadow.md lists under this name.
    #[track_caller]
    pub(crate) fn differs(self, name: &str, ours: Expected, shadows: Expected) {
        assert!(is_listed(name), "no heading of docs/differences-from-shadow.md: {name}");
        assert_ne!(ours, shadows, "{name} is not a difference");
        self.check(&ours, &shadows);
    }

    #[track_caller]
    fn check(&self, ours: &Expected, shadows: &Expected) {
        for suite in Suite::chosen() {
            let expected = if suite == Suite::Ours { ours } else { shadows };
            let host = suite.host();
            self.worlds.iter().for_each(|world| world(&host));
            for kind in &self.kinds {
                let (outcome, effect) = self.run(&host, *kind);
                let asked = format!("{suite:?}: {} {:?}", program(*kind), self.words);
                assert_eq!(effect, expected.of(*kind), "{asked}: {outcome:?}");
            }
        }
    }

    fn run(&self, host: &Host, kind: Kind) -> (Outcome, Effect) {
        let caller = (self.caller)(host);
        let target = (self.target)(host, &caller);
        let TargetName { word, steps, other: _alive } = (self.name)(&target);
        let mut command = caller.command(format!("/usr/bin/{}", program(kind)));
        command.arg(word).args(&self.words).envs(self.environment.iter().cloned());
        let outcome = host.output(start_with(&mut command, steps));
        let effect = Effect::seen(outcome.code(), &target);
        (outcome, effect)
    }
}
