//! An option that takes one of a few values: the table from which it is read, listed in the help and completed.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};
use std::ffi::OsStr;

use crate::cli::values::utf8;

/// The values of an option, the default first: what is typed, what the help says of it, and what it stands for.
pub(crate) struct OneOf<T: 'static>(pub(crate) &'static [(&'static str, &'static str, T)]);

impl<T: Copy> OneOf<T> {
    /// What a typed value stands for, or the default.
    ///
    /// # Errors
    /// A value that is not in the table, with those that are.
    #[inline(never)]
    pub(crate) fn read(&self, typed: Option<&str>) -> Result<T, String> {
        let found = self.0.iter().find(|(name, _, _)| typed.is_none_or(|typed| *name == typed));
        match found {
            Some((_, _, value)) => Ok(*value),
            None => Err(refused(typed.unwrap_or_default(), &mut self.0.iter().map(|(name, _, _)| *name))),
        }
    }

    /// The name of a value, and what the help says of it.
    pub(crate) fn listed(&self, at: usize) -> Option<(&'static str, &'static str)> {
        self.0.get(at).map(|(name, help, _)| (*name, *help))
    }
}

#[cold]
fn refused(typed: &str, names: &mut dyn Iterator<Item = &'static str>) -> String {
    format!("{typed} is not one of {}", names.collect::<Vec<_>>().join(", "))
}

/// How clap lists a table, in the help and to shells. It takes any text, which is read later. Not generic, as every type that an
/// option has makes the program larger.
#[derive(Clone)]
pub(crate) struct Listed(pub(crate) fn(usize) -> Option<(&'static str, &'static str)>);

impl TypedValueParser for Listed {
    type Value = String;

    fn parse_ref(&self, _: &Command, _: Option<&Arg>, typed: &OsStr) -> Result<String, Error> {
        utf8(typed).map(str::to_owned).map_err(|why| Error::raw(clap::error::ErrorKind::InvalidUtf8, why))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let listed = (0..).map_while(self.0);
        Some(Box::new(listed.map(|(name, help)| PossibleValue::new(name).help(help))))
    }
}
