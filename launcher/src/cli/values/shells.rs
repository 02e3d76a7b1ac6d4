//! The shells of `subroot completions`.

use crate::cli::values::one_of::OneOf;

/// A shell.
#[derive(Clone, Copy)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Each shell, and where it reads the script.
pub(crate) const SHELL: OneOf<Shell> = OneOf(&[
    ("bash", "read in ~/.bashrc", Shell::Bash),
    ("zsh", "read in ~/.zshrc, after compinit", Shell::Zsh),
    ("fish", "saved as ~/.config/fish/completions/subroot.fish", Shell::Fish),
]);
