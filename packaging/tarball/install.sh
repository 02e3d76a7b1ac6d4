#!/bin/sh
# Installs subroot from this directory: as root for everybody, as a plain user for himself. `./install.sh --help`.
set -eu
umask 022
# Names are sorted by their bytes: what is in a directory after it.
export LC_ALL=C

# Where the launcher looks for the mapper, whatever the prefix.
MAPPER=/usr/libexec/subroot/newidmap-helper

usage() {
    cat <<END
usage: ./install.sh [--prefix=DIR] [--mapper=setuid|caps|none] [--drop-ins] [--uninstall]

  --prefix=DIR      for all but the mapper; /usr/local for root, ~/.local for others
  --mapper=setuid   root only: $MAPPER is setuid root (as without the option),
  --mapper=caps     or has file capabilities instead,
  --mapper=none     or is left out
  --drop-ins        root only: newuidmap and newgidmap, found before shadow's where DIR/bin is first in PATH
  --uninstall       takes away what was installed below DIR, and the mapper with it
END
}

main() {
    from=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
    mapper='' drop_ins='' uninstall='' prefix=''
    for word in "$@"; do
        case $word in
            --prefix=/*) prefix=${word#--prefix=} ;;
            --mapper=setuid | --mapper=caps | --mapper=none) mapper=${word#--mapper=} ;;
            --drop-ins) drop_ins=yes ;;
            --uninstall) uninstall=yes ;;
            --help) usage && exit ;;
            *) usage >&2 && exit 2 ;;
        esac
    done
    if [ "$(id -u)" = 0 ]; then
        : "${prefix:=/usr/local}" "${mapper:=setuid}"
    else
        : "${prefix:=${HOME:?}/.local}" "${mapper:=none}"
        [ "$mapper$drop_ins" = none ] || fail "the mapper and the drop-ins take root; without --mapper and --drop-ins, the launcher alone is installed"
    fi
    prefix=${prefix%/}
    # A path a line of what is installed; a directory that was made for it ends with a slash, and stands before what is in it.
    record=$prefix/share/subroot/installed
    if [ "$uninstall" ]; then uninstall; else install_all; fi
}

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 1
}

install_all() {
    [ "$mapper" != caps ] || command -v setcap >/dev/null ||
        fail "--mapper=caps needs setcap, of libcap2-bin or libcap; or take --mapper=setuid"
    list=$(mktemp) || fail "no temporary file"
    trap 'take_back' EXIT
    trap 'exit 1' HUP INT TERM
    stage_all
    trap '' HUP INT TERM
    put_in_place
    trap - EXIT
    rm -f "$list"
    say_what_is_mapped
}

# Everything is written beside its place first: where that fails, nothing was replaced.
stage_all() {
    stage 755 bin/subroot "$prefix/bin/subroot"
    for file in $(launcher_files); do
        stage 644 "$file" "$prefix/$file"
    done
    stage 755 install.sh "$prefix/share/subroot/install.sh"
    if [ "$mapper" != none ]; then
        stage 755 libexec/subroot/newidmap-helper "$MAPPER"
        give_privilege "$MAPPER" cap_setuid,cap_setgid=p
        stage 644 share/man/man5/subroot-mapper.conf.5 "$prefix/share/man/man5/subroot-mapper.conf.5"
        stage 644 share/man/man8/newidmap-helper.8 "$prefix/share/man/man8/newidmap-helper.8"
    fi
    if [ "$drop_ins" ]; then
        # In force from the first instruction on, for lxc-usernsexec, which starts nothing else.
        stage_drop_in newuidmap cap_setuid=ep
        stage_drop_in newgidmap cap_setgid=ep
    fi
    stage_record
}

launcher_files() {
    (cd "$from" && find share -type f ! -name 'new*' ! -name 'subroot-mapper*' | sort)
}

stage_drop_in() {
    stage 755 "libexec/subroot/uidmap/$1" "$prefix/bin/$1"
    give_privilege "$prefix/bin/$1" "$2"
    stage 644 "share/man/man1/$1.1" "$prefix/share/man/man1/$1.1"
}

# stage MODE FILE PLACE
stage() {
    make_dir "$(dirname -- "$3")"
    [ ! -e "$3" ] || installed_before "$3" || fail "$3 is there already, and not by this installer: remove it, or its package, first"
    printf '%s\n' "$3" >>"$list"
    cp -- "$from/$2" "$3.new" 2>/dev/null || fail "writing $3: not permitted, or no room"
    chmod "$1" "$3.new"
}

installed_before() {
    [ -f "$record" ] && grep -qxF -e "$1" "$record"
}

make_dir() {
    [ ! -d "$1" ] || return 0
    make_dir "$(dirname -- "$1")"
    mkdir -- "$1" 2>/dev/null || fail "making $1: not permitted, or no room"
    printf '%s/\n' "$1" >>"$list"
}

# give_privilege PLACE CAPABILITIES
give_privilege() {
    chown 0:0 "$1.new"
    case $mapper in
        caps) setcap "$2" "$1.new" || fail "$1: no file capabilities here; take --mapper=setuid" ;;
        *) chmod 4755 "$1.new" ;;
    esac
}

# Directories that an earlier installation has made are still this one's to take away.
stage_record() {
    make_dir "${record%/*}"
    printf '%s\n' "$record" >>"$list"
    { [ ! -f "$record" ] || grep '/$' "$record" || true; cat "$list"; } >"$record.new" ||
        fail "writing $record: not permitted, or no room"
}

put_in_place() {
    old=$(mktemp)
    [ ! -f "$record" ] || cp -- "$record" "$old"
    while IFS= read -r path; do
        case $path in
            */) ;;
            *) mv -f -- "$path.new" "$path" ;;
        esac
    done <"$list"
    # What an earlier installation had besides.
    while IFS= read -r path; do
        case $path in
            */) ;;
            *) grep -qxF -e "$path" "$list" || rm -f -- "$path" ;;
        esac
    done <"$old"
    rm -f -- "$old"
}

take_back() {
    sort -r "$list" | while IFS= read -r path; do
        case $path in
            */) rmdir -- "$path" 2>/dev/null || true ;;
            *) rm -f -- "$path.new" ;;
        esac
    done
    rm -f -- "$list"
}

uninstall() {
    [ -f "$record" ] || fail "nothing was installed below $prefix: there is no $record"
    list=$(mktemp)
    sort -ru "$record" >"$list"
    while IFS= read -r path; do
        case $path in
            */) rmdir -- "$path" 2>/dev/null || true ;;
            *) rm -f -- "$path" || fail "removing $path: not permitted" ;;
        esac
    done <"$list"
    rm -f -- "$list"
}

say_what_is_mapped() {
    echo "installed: $prefix/bin/subroot"
    if [ "$mapper" != none ]; then
        echo "IDs granted in /etc/subuid and /etc/subgid are mapped by $MAPPER"
    elif [ -e "$MAPPER" ]; then
        echo "IDs granted in /etc/subuid and /etc/subgid are mapped by the host's own $MAPPER"
    elif command -v newuidmap >/dev/null && command -v newgidmap >/dev/null; then
        echo "IDs granted in /etc/subuid and /etc/subgid are mapped by the host's own newuidmap and newgidmap"
    else
        echo "your own ID alone is mapped: this host has neither newidmap-helper nor newuidmap, which take root to install"
    fi
    case :$PATH: in
        *":$prefix/bin:"*) ;;
        *) echo "$prefix/bin is not in PATH" ;;
    esac
}

main "$@"
