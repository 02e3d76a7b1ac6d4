# An aarch64 machine for tests/guest-arm64: Debian's kernel, and busybox in memory, under qemu. All files are
# in ARM64.

readonly ARM64=$KIT/arm64
readonly ARM64_SUITE=trixie
readonly ARM64_MEMORY=1024

# Makes the kernel and the busybox, unless they were already made by the same recipe.
make_arm64_parts() {
    local key
    key=$(sha256sum <tests/machine-arm64.bash)
    [ "$(cat "$ARM64/key" 2>/dev/null)" = "$key" ] && return
    heading "fetching Debian's kernel for aarch64 (once)"
    rm -rf "$ARM64"
    mkdir -p "$ARM64"
    fetch_arm64_parts
    echo "$key" >"$ARM64/key"
}

# vmlinuz, overlay.ko and busybox. apt also accepts its options after the command's own.
fetch_arm64_parts() {
    local kernel
    local of_arm64=(-o APT::Architectures::="$(dpkg --print-architecture)" -o APT::Architectures::=arm64)
    suite_apt "$ARM64_SUITE" apt-get update -qq "${of_arm64[@]}"
    kernel=$(suite_apt "$ARM64_SUITE" apt-cache show linux-image-arm64:arm64 "${of_arm64[@]}" | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
    (cd "$ARM64" && suite_apt "$ARM64_SUITE" apt-get download -qq "$kernel:arm64" busybox-static:arm64 "${of_arm64[@]}")
    dpkg-deb --fsys-tarfile "$ARM64"/linux-image-*.deb | tar -x -C "$ARM64" --wildcards './boot/vmlinuz-*' '*/overlay.ko.xz'
    dpkg-deb --fsys-tarfile "$ARM64"/busybox-static_*.deb | tar -x -C "$ARM64" --wildcards '*/bin/busybox'
    find "$ARM64" -name 'vmlinuz-*' -exec mv {} "$ARM64/vmlinuz" \;
    find "$ARM64" -name overlay.ko.xz -exec xz --decompress --stdout {} + >"$ARM64/overlay.ko"
    find "$ARM64" -path '*/bin/busybox' -exec mv {} "$ARM64/busybox" \;
    rm -rf "$ARM64"/{boot,bin,usr,lib} "$ARM64"/*.deb
}

# The programs, installed as root would, two users, of which alice has grants, and the script that the machine
# runs as init.
make_arm64_initrd() {
    local programs=$1 script=$2 tree=$ARM64/tree system=$ARM64/tree/system
    rm -rf "$tree"
    mkdir -p "$tree"/{bin,new} "$system"/{bin,dev,etc,home/{alice,bob},proc,root,sbin,sys,tmp,usr/{bin,libexec/subroot}}
    cp "$ARM64/busybox" "$tree/bin/"
    cp "$ARM64/busybox" "$system/bin/"
    cp "$ARM64/overlay.ko" "$system/root/"
    install "$programs/subroot" "$system/usr/bin/"
    install "$programs/subroot-image" "$system/usr/libexec/subroot/"
    install --mode=4755 "$programs"/{newuidmap,newgidmap} "$system/usr/bin/"
    install --mode=4755 "$programs/newidmap-helper" "$system/usr/libexec/subroot/"
    install "$script" "$system/sbin/init"
    printf '%s\n' root:x:0:0::/root:/bin/sh alice:x:1000:1000::/home/alice:/bin/sh bob:x:1001:1001::/home/bob:/bin/sh >"$system/etc/passwd"
    printf '%s\n' root:x:0: alice:x:1000: bob:x:1001: >"$system/etc/group"
    echo alice:100000:65536 | tee "$system/etc/subuid" >"$system/etc/subgid"
    arm64_first_init >"$tree/init"
    chmod 755 "$tree/init"
    (cd "$tree" && find . | cpio --create --format=newc --owner=0:0 --quiet) >"$ARM64/initrd"
    rm -rf "$tree"
}

# pivot_root(2) cannot leave the kernel's initial root, so the system is copied into another one.
arm64_first_init() {
    cat <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t tmpfs -o mode=755 system /new
/bin/busybox cp -a /system/. /new/
exec /bin/busybox switch_root /new /sbin/init
INIT
}

# Runs the machine until it ends or the time in seconds is over, and prints its output.
run_arm64_machine() {
    timeout --kill-after=5 "$1" qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on -accel tcg,thread=multi -smp 2 -m "$ARM64_MEMORY" \
        -nodefaults -no-user-config -display none -no-reboot -kernel "$ARM64/vmlinuz" -initrd "$ARM64/initrd" \
        -append "console=ttyAMA0 quiet loglevel=4 mitigations=off nokaslr panic=-1" -serial stdio </dev/null | tr -d '\r'
}
