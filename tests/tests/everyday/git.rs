//! git: a repository of one user is cloned, changed and pushed to by another.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

#[test]
fn a_repository_is_cloned_changed_and_pushed_to() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(
        r#"useradd --create-home one; useradd --create-home two; groupadd git; usermod -aG git one; usermod -aG git two
        install -d -m 2775 -g git /srv/repository
        git config --system user.email tester@example.org; git config --system user.name Tester
        git config --system init.defaultBranch main; git config --system --add safe.directory '*'
        git init --quiet --bare --shared=group /srv/repository
        printf '#!/bin/sh\necho pushed by $(id -un)\n' >/srv/repository/hooks/post-receive
        chmod 755 /srv/repository/hooks/post-receive
        su one -c 'set -e; git clone --quiet /srv/repository ~/work 2>/dev/null; cd ~/work
            for n in $(seq 200); do echo $n >file$n; done; chmod 755 file7; ln -s file7 link
            git add .; git commit --quiet -m first; git push --quiet origin main'  2>&1 | sed 's/ *$//'
        su two -c 'set -e; git clone --quiet file:///srv/repository ~/work; cd ~/work
            ls | wc -l; stat -c %a file7; readlink link
            git checkout --quiet -b change; echo more >>file7; git commit --quiet -am second; git push --quiet origin change' 2>&1 | sed 's/ *$//'
        su one -c 'cd ~/work; git fetch --quiet; git merge --quiet origin/change; git log --format=%s; git status --short; git fsck'
        git -C /srv/repository gc --quiet; git -C /srv/repository fsck; git -C /srv/repository branch --list | tr -d ' *'"#,
    );
    let expected =
        "remote: pushed by one\n201\n755\nfile7\nremote: pushed by two\nsecond\nfirst\nchange\nmain\n";
    assert_eq!(seen, expected);
}
