//! The sections of the pages of `subroot doctor`, `idmap` and `grants`.

pub(super) const EXPLAIN_STATUS: &str = "\
# EXIT STATUS
- 0: The mapper would grant both maps.
- 1: It would refuse.
- 125: The question cannot be answered; standard error says why.
";

pub(super) const LINT_STATUS: &str = "\
# EXIT STATUS
- 0: There is nothing to report.
- 1: Something is reported.
- 125: A file cannot be read; standard error says which, and why.
";

pub(super) const GRANT_FILES: &str = "\
# FILES
- /etc/subuid, /etc/subgid: The subordinate IDs that each user was granted; see subuid(5).
- /etc/subroot/mapper.conf: Grants by a rule; see subroot-mapper.conf(5).
- /etc/passwd, /etc/group: Which accounts and groups exist.
- /etc/nsswitch.conf: Whether a plugin keeps the grants instead of the files.
";

pub(super) const IDMAP_EXAMPLES: &str = "\
# EXAMPLES
    subroot idmap
    subroot idmap --json
";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
# EXAMPLES
    subroot idmap explain --uid-map 0:1000:1,1:100000:65536
";

pub(super) const LINT_EXAMPLES: &str = "\
# EXAMPLES
    subroot grants lint
    subroot grants lint --json
";

pub(super) const OWNER_EXAMPLES: &str = "\
# EXAMPLES
    subroot grants owner 100033
    subroot grants owner ./rootfs/var/www
";

pub(super) const SUGGEST_EXAMPLES: &str = "\
# EXAMPLES
    subroot grants suggest alice --count 65536
";

pub(super) const DOCTOR_STATUS: &str = "\
# EXIT STATUS
- 0: Everything works.
- 1: Launches work with restrictions; the report says which.
- 2: No launch works.
- 125: subroot failed.
";

pub(super) const DOCTOR_EXAMPLES: &str = "\
# EXAMPLES
    subroot doctor ./rootfs
    subroot doctor --json
    sudo subroot doctor --for-user alice
";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
# EXAMPLES
    subroot completions bash >~/.local/share/bash-completion/completions/subroot
    subroot completions zsh >_subroot
    subroot completions fish >~/.config/fish/completions/subroot.fish
";
