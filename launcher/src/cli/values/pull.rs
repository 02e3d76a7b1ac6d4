//! `--pull`.

use crate::cli::values::one_of::OneOf;

/// When an image is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pull {
    #[default]
    Missing,
    Always,
    Never,
    Newer,
}

/// `--pull WHEN`.
pub(crate) const PULL: OneOf<Pull> = OneOf(&[
    ("missing", "If the store does not have it", Pull::Missing),
    ("always", "Also if the store has it", Pull::Always),
    ("never", "Not even if the store does not have it", Pull::Never),
    ("newer", "As always, but the stored image is used if the registry fails", Pull::Newer),
]);

impl Pull {
    /// The option of subroot-image.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Pull::Missing => "--pull=missing",
            Pull::Always => "--pull=always",
            Pull::Never => "--pull=never",
            Pull::Newer => "--pull=newer",
        }
    }

    /// True if a stored image is run without a request to the registry.
    pub(crate) fn prefers_store(self) -> bool {
        matches!(self, Pull::Missing | Pull::Never)
    }
}
