//! The sections of the pages of `subroot rm`, `du` and `unshare`.

pub(super) const RM_STATUS: &str = "\
# EXIT STATUS
- 0: Everything was removed.
- 1: Something remains; standard error names each path, and why.
- 125: subroot failed, and nothing was removed.
";

pub(super) const DU_STATUS: &str = "\
# EXIT STATUS
- 0: Everything was measured.
- 1: Something could not be examined; standard error names it.
- 125: subroot failed.
";

pub(super) const DU_EXAMPLES: &str = "\
# EXAMPLES
    subroot du ./rootfs
    subroot du --json ./rootfs
";

pub(super) const UNSHARE_EXAMPLES: &str = "\
# EXAMPLES
Delete a directory whose files belong to your subordinate IDs:

    subroot unshare -- rm -r ./rootfs
";
