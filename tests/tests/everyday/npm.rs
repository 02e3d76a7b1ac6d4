//! npm installs from a lock file, without a network, and runs a package's tests as the owner of its
//! directory.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

const PROJECT: &str = r#"
    useradd --create-home worker
    mkdir -p /srv/project/shared
    cd /srv/project
    echo '{ "name": "shared", "version": "1.0.0", "main": "index.js", "bin": "index.js" }' >shared/package.json
    printf '#!/usr/bin/env node\nmodule.exports = (one, other) => one + other;\n' >shared/index.js
    cat >package.json <<'END'
{
  "name": "project",
  "version": "1.0.0",
  "scripts": { "pretest": "id -un", "test": "node --test" },
  "dependencies": { "shared": "file:./shared" }
}
END
    cat >adds.test.js <<'END'
const test = require("node:test");
const assert = require("node:assert");
test("adds", () => assert.strictEqual(require("shared")(1, 2), 3));
END
    printf '%s\n' offline=true audit=false fund=false update-notifier=false install-links=false >.npmrc
    npm install --package-lock-only --silent
"#;

#[test]
fn a_project_is_installed_from_its_lock_file_and_tested() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(&format!(
        "{PROJECT}
        for owner in root worker; do
            rm -rf node_modules
            chown -R $owner: .
            su $owner -c 'npm ci --silent && npm test --silent' >/tmp/log 2>&1 \\
                || {{ cat /tmp/log; exit 1; }}
            head -n 1 /tmp/log
            grep -E '^# (pass|fail)' /tmp/log
            readlink node_modules/shared node_modules/.bin/shared
            find . ! -user $owner
        done"
    ));
    let links = "../shared\n../shared/index.js\n";
    assert_eq!(seen, format!("root\n# pass 1\n# fail 0\n{links}worker\n# pass 1\n# fail 0\n{links}"));
}
