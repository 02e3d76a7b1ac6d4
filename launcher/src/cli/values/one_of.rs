//! An option that takes one of a few values: the table from which it is read, listed in the help and completed.

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};
use std::ffi::OsStr;

use crate::cli::values::shown;

/// The values of an option: what is typed, what the help says of it, and what it stands for.
#[derive(Clone)]
pub(crate) struct OneOf<T: 'static>(pub(crate) &'static [(&'static str, &'static str, T)]);

impl<T: Copy + Send + Sync + 'static> TypedValueParser for OneOf<T> {
    type Value = T;

    fn parse_ref(&self, _: &Command, option: Option<&Arg>, typed: &OsStr) -> Result<T, Error> {
        let found = self.0.iter().find(|(name, _, _)| typed == *name);
        found.map(|(_, _, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|(name, _, _)| *name).collect();
            refused(option, typed, &names)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(|(name, help, _)| PossibleValue::new(*name).help(*help))))
    }
}

/// Not generic, so that it is in the program once.
fn refused(option: Option<&Arg>, typed: &OsStr, names: &[&str]) -> Error {
    let option = option.and_then(Arg::get_long).map(|long| format!("--{long} ")).unwrap_or_default();
    Error::raw(
        ErrorKind::InvalidValue,
        format!("{option}{}: the value is not one of {}", shown(typed), names.join(", ")),
    )
}
