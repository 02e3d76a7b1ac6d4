//! pip builds a wheel from a source distribution in a virtual environment, installs it, and a user runs its
//! program.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::skip;

/// A source distribution with its own build back end (PEP 517), so that nothing has to be downloaded.
const SOURCE: &str = r#"
    mkdir -p /srv/made/tool-1.0
    cd /srv/made/tool-1.0
    echo 'def main(): print("tool runs")' >tool.py
    cat >pyproject.toml <<'END'
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tool"
version = "1.0"
END
    cat >backend.py <<'END'
import zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "tool-1.0-py3-none-any.whl"
    files = {
        "tool.py": open("tool.py").read(),
        "tool-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n",
        "tool-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tool-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = tool:main\n",
    }
    files["tool-1.0.dist-info/RECORD"] = "".join(f"{file},,\n" for file in files)
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return name
END
    printf 'Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n' >PKG-INFO
    cd ..
    tar -czf tool-1.0.tar.gz tool-1.0
"#;

#[test]
fn a_source_distribution_is_built_and_installed_in_a_virtual_environment() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let seen = debian.output(&format!(
        "{SOURCE}
        useradd --create-home worker
        for user in root worker; do
            su $user -c '
                python3 -m venv ~/venv
                ~/venv/bin/pip install -q --disable-pip-version-check --no-index --find-links /srv/made tool
                ~/venv/bin/tool
                ~/venv/bin/pip check'
        done
        find ~worker/venv ! -user worker
        stat -c %U ~worker/venv/bin/tool"
    ));
    assert_eq!(seen, "tool runs\nNo broken requirements found.\n".repeat(2) + "worker\n");
}
