#!/bin/sh
# Installs subroot from this directory: as root for all users, as a plain user for that user only.
set -eu
umask 022
# Sort names by their bytes, so that a directory comes before its contents.
export LC_ALL=C

# Where the launcher looks for the mapper, whatever the prefix.
MAPPER=/usr/libexec/subroot/newidmap-helper

usage() {
    cat <<END
usage: ./install.sh [--prefix=DIR] [--mapper=setuid|caps|none] [--drop-ins] [--uninstall]

  --prefix=DIR      where to install all but the mapper; default: /usr/local for root, ~/.local for others
  --mapper=setuid   root only: make $MAPPER setuid root (the default),
  --mapper=caps     give it file capabilities instead,
  --mapper=none     or leave it out
  --drop-ins        root only: also install newuidmap and newgidmap, found before shadow's if DIR/bin is first in PATH
  --uninstall       remove what was installed below DIR, and the mapper
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
        [ "$mapper$drop_ins" = none ] || fail "installing the mapper and the drop-ins takes root; without --mapper and --drop-ins, only the launcher is installed"
    fi
    prefix=${prefix%/}
    # The installed paths, one a line; a directory created by the installer ends with a slash and comes before
    # its contents.
    record=$prefix/share/subroot/installed
    if [ "$uninstall" ]; then uninstall; else install_all; fi
}

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 1
}

install_all() {
    [ "$mapper" != caps ] || command -v setcap >/dev/null ||
        fail "--mapper=caps needs setcap, from libcap2-bin or libcap; or use --mapper=setuid"
    list=$(mktemp) || fail "making a temporary file failed"
    trap 'take_back' EXIT
    trap 'exit 1' HUP INT TERM
    stage_all
    trap '' HUP INT TERM
    put_in_place
    trap - EXIT
    rm -f "$list"
    say_what_is_mapped
}

# Everything is first written next to its destination: if that fails, nothing has been replaced.
stage_all() {
    stage 755 bin/subroot "$prefix/bin/subroot"
    stage 755 libexec/subroot/subroot-image "$prefix/libexec/subroot/subroot-image"
    for file in $(launcher_files); do
        stage "$(mode "$file")" "$file" "$prefix/$file"
    done
    stage 755 install.sh "$prefix/share/subroot/install.sh"
    if [ "$mapper" != none ]; then
        stage 755 libexec/subroot/newidmap-helper "$MAPPER"
        give_privilege "$MAPPER" cap_setuid,cap_setgid=p
        stage 644 share/man/man5/subroot-mapper.conf.5 "$prefix/share/man/man5/subroot-mapper.conf.5"
        stage 644 share/man/man8/newidmap-helper.8 "$prefix/share/man/man8/newidmap-helper.8"
        for file in $(mapper_documents); do
            stage 644 "$file" "$prefix/$file"
        done
    fi
    if [ "$drop_ins" ]; then
        # Effective from the start: lxc-usernsexec refuses to run them otherwise.
        stage_drop_in newuidmap cap_setuid=ep
        stage_drop_in newgidmap cap_setgid=ep
    fi
    stage_record
}

launcher_files() {
    (cd "$from" && find share -type f ! -path 'share/man/*/new*' ! -path 'share/man/*/subroot-mapper*' \
        ! -path 'share/doc/newidmap-helper/*' | sort)
}

mapper_documents() {
    (cd "$from" && find share/doc/newidmap-helper -type f | sort)
}

# Some recipes are programs.
mode() {
    if [ -x "$from/$1" ]; then echo 755; else echo 644; fi
}

stage_drop_in() {
    stage 755 "libexec/subroot/uidmap/$1" "$prefix/bin/$1"
    give_privilege "$prefix/bin/$1" "$2"
    stage 644 "share/man/man1/$1.1" "$prefix/share/man/man1/$1.1"
}

# stage MODE FILE PLACE
stage() {
    make_dir "$(dirname -- "$3")"
    [ ! -e "$3" ] || installed_before "$3" || fail "$3 already exists, and not from this installer: first remove it, or its package"
    printf '%s\n' "$3" >>"$list"
    cp -- "$from/$2" "$3.new" 2>/dev/null || fail "writing $3: not permitted, or no space left"
    chmod "$1" "$3.new"
}

installed_before() {
    [ -f "$record" ] && grep -qxF -e "$1" "$record"
}

make_dir() {
    [ ! -d "$1" ] || return 0
    make_dir "$(dirname -- "$1")"
    mkdir -- "$1" 2>/dev/null || fail "making $1: not permitted, or no space left"
    printf '%s/\n' "$1" >>"$list"
}

# give_privilege PLACE CAPABILITIES
give_privilege() {
    chown 0:0 "$1.new"
    case $mapper in
        caps) setcap "$2" "$1.new" || fail "$1: no file capabilities here; use --mapper=setuid" ;;
        *) chmod 4755 "$1.new" ;;
    esac
}

# Directories created by an earlier installation are recorded again, so that uninstalling removes them.
stage_record() {
    make_dir "${record%/*}"
    printf '%s\n' "$record" >>"$list"
    { [ ! -f "$record" ] || grep '/$' "$record" || true; cat "$list"; } >"$record.new" ||
        fail "writing $record: not permitted, or no space left"
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
    # Files of an earlier installation that this one does not have.
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
        echo "only your own ID is mapped: this host has neither newidmap-helper nor newuidmap, and installing them takes root"
    fi
    case :$PATH: in
        *":$prefix/bin:"*) ;;
        *) echo "$prefix/bin is not in PATH" ;;
    esac
}

main "$@"
