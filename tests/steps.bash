# Steps that tests/run, benches/run, packaging/build, packaging/cross and packaging/test share; tests set LOG to
# the file for their output.

readonly TARGET=${CARGO_TARGET_DIR:-$PWD/target}
readonly KIT=$TARGET/kit
failed=0

heading() {
    printf '\n=== %s\n' "$*" >&2
}

# Runs a command, keeps its output for the summary, and remembers whether it failed.
record() {
    "$@" </dev/null 2>&1 | tee -a "$LOG" || failed=1
}

# Ends if a program or a package is older than its sources, so that tests do not run an outdated build. The
# harness does the same where it has the sources: tests/src/sources.rs.
assert_fresh() {
    local file sources newer of_launcher of_mapper of_image
    of_launcher=(launcher/{src,build.rs,Cargo.toml})
    of_image=(image/{src,Cargo.toml} "${of_launcher[@]}")
    of_mapper=(newidmap-helper/{src,build.rs,no-unwinding.ld,Cargo.toml} newidmap-helper/nss/{src,Cargo.toml})
    for file in "$@"; do
        case ${file##*/} in
            new* | subroot-uidmap*) sources=("${of_mapper[@]}") ;;
            subroot-image) sources=("${of_image[@]}") ;;
            subroot | subroot_*.deb | subroot-*.rpm) sources=("${of_launcher[@]}") ;;
            *) sources=("${of_image[@]}" "${of_mapper[@]}") ;;
        esac
        newer=$(find "${sources[@]}" idmap/src Cargo.toml Cargo.lock -type f -newer "$file" -print -quit)
        [ -z "$newer" ] || { echo "$0: $file is older than $newer: run packaging/build first" >&2 && exit 2; }
    done
}

# Sets `programs` to the paths of the programs that packaging/build makes.
find_programs() {
    mapfile -t programs < <(find "$TARGET/release" -maxdepth 1 -type f -executable)
}

# Installs missing packages with apt if it may. Reads lines of a command or a file to look for, and the Debian
# package that contains it.
install_needs() {
    local missing=() wanted package
    while read -r wanted package; do
        [ -e "$wanted" ] || PATH=$PATH:/usr/sbin:/sbin type -P "$wanted" >/dev/null || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    if [ "$(id -u)" = 0 ] && type -P apt-get >/dev/null; then
        heading "installing ${missing[*]}"
        apt-get update -qq </dev/null
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
    else
        echo "$0: missing here; as root: apt-get install ${missing[*]}" >&2
        exit 2
    fi
}

# RUSTFLAGS and these words, in the form that lets cargo take directory names with blanks. No path of the
# build machine remains in a program, so that a rebuild elsewhere gives the same bytes.
rust_flags() {
    local flags
    read -ra flags <<<"${RUSTFLAGS-}" || true
    flags+=("--remap-path-prefix=$PWD=/subroot" "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" "$@")
    local IFS=$'\x1f'
    echo "${flags[*]}"
}

# Builds the mapper's programs, and with a profile of Cargo.toml the launcher into this file and the program that
# unpacks archives beside it. Changes made meanwhile may not be in them.
build_programs() {
    local profile=$1 launcher=$2 began=$TARGET/build-began
    mkdir -p "$TARGET"
    touch "$began"
    build_mapper
    build_static "$profile" subroot "$launcher"
    build_static "$profile" subroot-image "${launcher%/*}/subroot-image"
    assert_fresh "$began"
}

# Afterwards a program is as new as its sources, even if cargo had nothing to do.
build_mapper() {
    CARGO_ENCODED_RUSTFLAGS=$(rust_flags) cargo build --release --locked --package newidmap-helper --package newidmap-helper-nss
    touch "$TARGET"/release/new{idmap-helper,uidmap,gidmap}{,-nss}
}

# The launcher is static, at a fixed address, which saves the loader and half a millisecond at each start. So is
# subroot-image. With the target spelled out, build scripts and macros, which must be dynamic, are not affected.
# tar-core declares a newer compiler than the oldest one that builds it: see .ci/run.
build_static() {
    local profile=$1 package=$2 program=$3 host
    host=$(rustc --print host-tuple)
    CARGO_ENCODED_RUSTFLAGS=$(rust_flags -Ctarget-feature=+crt-static -Crelocation-model=static) \
        cargo build --profile "$profile" --locked --ignore-rust-version --package "$package" --target "$host"
    mkdir -p "$(dirname "$program")"
    # By a rename, because tests may be running.
    install "$TARGET/$host/$profile/$package" "$TARGET/$host/$profile/$package.new"
    mv "$TARGET/$host/$profile/$package.new" "$program"
}

# A minimal Debian.
make_debian() {
    make_archive debian '' uuid-runtime
}

# The root file system for everyday jobs.
make_everyday() {
    make_archive everyday \
        acl,attr,build-essential,cron,curl,git,iputils-ping,npm,openssh-client,procps,python3-venv,sudo \
        'postgresql nginx openssh-server dbus'
}

# Debian from the host's own apt sources: its name, the packages to install, those to put in /srv/packages for
# installing without network, and the suite if it is not the host's.
make_archive() {
    local name=$1 installed=$2 kept=$3 suite=${4:-$(debian_suite)} key="$*" mode=root
    [ -s "$KIT/$name.tar" ] && [ "$(cat "$KIT/$name.key" 2>/dev/null)" = "$key" ] && return
    heading "making the Debian root file system '$name' (once)"
    rm -f "$KIT/$name.tar" "$KIT/$name.key"
    [ "$(id -u)" = 0 ] || mode=unshare
    local fetch="chroot \"\$1\" apt-get clean && chroot \"\$1\" apt-get install --download-only --no-install-recommends -y $kept"
    local keep='mkdir "$1/srv/packages" && mv "$1"/var/cache/apt/archives/*.deb "$1/srv/packages"'
    if mmdebstrap --quiet --mode=$mode --variant=minbase --format=tar ${installed:+--include="$installed"} \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --customize-hook="$fetch" --customize-hook="$keep" \
        "$suite" "$KIT/$name.tar.new" </dev/null >"$KIT/mmdebstrap.log" 2>&1; then
        mv "$KIT/$name.tar.new" "$KIT/$name.tar"
        echo "$key" >"$KIT/$name.key"
    else
        echo "$0: no Debian root file system '$name', tests of it are skipped; mmdebstrap says:" >&2
        tail -n 5 "$KIT/mmdebstrap.log" >&2
    fi
}

debian_suite() {
    . /etc/os-release
    if [ "$ID" = debian ]; then echo "$VERSION_CODENAME"; else echo stable; fi
}

# Some tests wait; this many at once keep all processors busy.
run_tests() {
    local name
    for name in "$@"; do
        printf '\n--- %s\n' "$name"
        record env SUBROOT_TEST_KIT= "$KIT/tests/$name" --test-threads=$(($(nproc) + 2))
    done
}

# Builds integration tests, all or those that cargo's options name, links them into KIT/tests and sets `built`
# to their names.
build_integration_tests() {
    heading "building the integration tests"
    rm -rf "$KIT/tests"
    mkdir "$KIT/tests"
    cargo test --locked --package subroot-tests --no-run --message-format=json-render-diagnostics "$@" </dev/null >"$KIT/built.json"
    built=()
    local binary name
    while read -r binary; do
        name=$(basename "${binary%-*}")
        ln "$binary" "$KIT/tests/$name"
        built+=("$name")
    done < <(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$KIT/built.json")
}

# Ends with the sum of all tests. A test that skips itself counts as passed in its own binary, so it is
# subtracted; a pass that never began counts as skipped.
count() {
    grep '^SKIPPED ' "$LOG" || true
    awk '
        /^test result:/ { passed += $4; failed += $6; skipped += $8 }
        /^SKIPPED / { skipped++ }
        /^SKIPPED / && !/^SKIPPED tests\/run:/ { passed-- }
        END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped }' "$LOG"
    exit "$failed"
}
