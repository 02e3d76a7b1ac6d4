# Shared by the guest's check files: each function `check_…` of a file is one check, run separately, and
# prints one line of the table.

cd ~ || exit 1

main() {
    local name
    if [ "${1:-}" = --one ]; then
        set -euo pipefail
        "$2"
        exit
    fi
    while read -r name; do
        perform "$name"
    done < <(sed -n 's/^\(check_[a-z0-9_]*\)() {.*/\1/p' "$0")
}

perform() {
    local name=$1 title output status=0 begin=$SECONDS
    title="${PHASE:+$PHASE: }$(tr _ ' ' <<<"${name#check_}")"
    output=$(timeout --kill-after=5 "${SECONDS_EACH:-90}" bash "$0" --one "$name" 2>&1 </dev/null) || status=$?
    case $status in
        # A tab ends the name of the check.
        0) printf 'CHECK ok %s\t%s s\n' "$title" $((SECONDS - begin)) ;;
        77) printf 'CHECK skipped %s\t%s\n' "$title" "$(tail -n 1 <<<"$output")" ;;
        *)
            echo "CHECK FAILED $title"
            printf 'status %s\n%s\n' "$status" "$output" | tail -n "${LINES_EACH:-40}" | sed 's/^/    /'
            ;;
    esac
}

# Ends a check that cannot run here.
skip() {
    echo "$1"
    exit 77
}

equal() {
    [ "$1" = "$2" ] || { printf 'expected: %s\nbut it is: %s\n' "$1" "$2" >&2 && return 1; }
}

# Runs a command that must exit with this status, and prints its output.
status() {
    local expected=$1 found=0
    shift
    "$@" 2>&1 || found=$?
    [ "$found" = "$expected" ] || { echo "status $found, not $expected: $*" >&2 && return 1; }
}

contains() {
    grep --quiet --fixed-strings -- "$1" <<<"$2" || { printf 'not found: %s\nin: %s\n' "$1" "$2" >&2 && return 1; }
}

# True if the kernel is at least this version.
kernel_is() {
    local release
    release=$(uname -r)
    printf '%s\n%s\n' "$1" "${release%%-*}" | sort --check=quiet --version-sort
}

# Linux 5.10 does not allow overlay mounts in a user namespace.
has_overlay() {
    kernel_is 5.11
}
