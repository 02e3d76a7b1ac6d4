//! The shells of `subroot completions`.

use crate::cli::values::one_of::OneOf;
use clap_complete::Shell;

/// Each shell, and where it looks for the script.
pub(crate) const SHELL: OneOf<Shell> = OneOf(&[
    ("bash", "~/.local/share/bash-completion/completions/subroot", Shell::Bash),
    ("zsh", "_subroot, in a directory of $fpath", Shell::Zsh),
    ("fish", "~/.config/fish/completions/subroot.fish", Shell::Fish),
]);
