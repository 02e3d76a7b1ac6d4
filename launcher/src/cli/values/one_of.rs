//! Options that take one of a few values: one table to read them, to list them in the help and to complete
//! them.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};
use std::ffi::OsStr;

use crate::cli::mistakes::nearest::not_one_of;
use crate::cli::values::utf8;

/// The values of an option, the default first: the typed name, its text in the help, and what it means.
pub(crate) struct OneOf<T: 'static>(pub(crate) &'static [(&'static str, &'static str, T)]);

impl<T: Copy> OneOf<T> {
    /// The meaning of the typed value, or of the default if none was typed.
    ///
    /// # Errors
    /// The value is not in the table. The error lists the possible values.
    #[inline(never)]
    pub(crate) fn read(&self, typed: Option<&str>) -> Result<T, String> {
        let found = self.0.iter().find(|(name, _, _)| typed.is_none_or(|typed| *name == typed));
        match found {
            Some((_, _, value)) => Ok(*value),
            None => Err(not_one_of(typed.unwrap_or_default(), &mut self.0.iter().map(|(name, _, _)| *name))),
        }
    }

    /// The name of a value, and its text in the help.
    pub(crate) fn listed(&self, at: usize) -> Option<(&'static str, &'static str)> {
        self.0.get(at).map(|(name, help, _)| (*name, *help))
    }
}

/// Lets clap list a table in the help and for completion. It accepts any text, which is read later. It is not
/// generic, because every instance would make the program larger.
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
