# Debian machines for tests/guest: a root with systemd, dbus, AppArmor and cgroup v2 only, and kernels of
# three releases, under qemu.
#
# A machine is booted once and its state saved to a file; each run is restored from it, on a fresh copy of its
# disk. All files are in MACHINES.

readonly MACHINES=$KIT/machines
# Each kernel, and its Debian release.
readonly KERNELS=(5.10:bullseye 6.1:bookworm 6.12:trixie)
readonly GUEST_SUITE=trixie
readonly GUEST_PACKAGES=apparmor,busybox-static,dbus,dbus-user-session,iproute2,iputils-ping,kmod,libcap2-bin,libnss-extrausers,libpam-systemd,login,\
mount,passt,passwd,procps,python3-minimal,slirp4netns,strace,systemd,systemd-sysv,udev,uidmap,util-linux
readonly DISK_SIZE=4G
# The payload's disk has the same size when the state is saved and in each run.
readonly PAYLOAD_SIZE=2G
readonly BOOT_SECONDS=300
readonly MEMORY=2048
readonly CPUS=2
# Where the guest's script finds the files it runs.
readonly PAYLOAD=/payload

# Makes the root and the kernels that are missing or were made by another recipe.
make_machines() {
    local key kernel
    key=$(sha256sum <tests/machine.bash)
    if [ "$(cat "$MACHINES/key" 2>/dev/null)" != "$key" ]; then
        rm -rf "$MACHINES"
        mkdir -p "$MACHINES"
        heading "making the machines' root file system (once)"
        for kernel in "${KERNELS[@]}"; do
            make_kernel "${kernel%:*}" "${kernel#*:}"
        done
        make_disk
        echo "$key" >"$MACHINES/key"
    fi
}

# Runs apt with separate settings, so that a kernel of another release is found without changing the host's
# sources: SUITE COMMAND ARGUMENTS.
suite_apt() {
    local suite=$1 command=$2 state=$MACHINES/apt/$1
    shift 2
    if [ ! -e "$state/sources.list" ]; then
        mkdir -p "$state"/{lists/partial,cache/archives/partial,parts}
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" >"$state/sources.list"
        suite_apt "$suite" apt-get update -qq
    fi
    "$command" -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" -o Dir::Etc::SourceList="$state/sources.list" \
        -o Dir::Etc::SourceParts="$state/parts" -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$state/parts" \
        -o APT::Sandbox::User=root "$@" </dev/null
}

# The Debian mirror that the host itself uses.
mirror() {
    apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' </dev/null | head -n 1
}

# A kernel, the modules that a virtual machine uses, and an initrd that mounts the disk.
make_kernel() {
    local kernel=$1 suite=$2 dir=$MACHINES/kernels/$1 package modules
    mkdir -p "$dir/unpacked" "$dir/lib/modules"
    package=$(suite_apt "$suite" apt-cache show linux-image-amd64 | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p' | head -n 1)
    (cd "$dir" && suite_apt "$suite" apt-get download -qq "$package")
    dpkg-deb -x "$dir"/*.deb "$dir/unpacked"
    mv "$dir"/unpacked/boot/vmlinuz-* "$dir/vmlinuz"
    modules=$dir/lib/modules/${package#linux-image-}
    mv "$dir"/unpacked/*/modules/* "$modules" 2>/dev/null || mv "$dir"/unpacked/usr/lib/modules/* "$modules"
    rm -rf "$dir/unpacked" "$dir"/*.deb
    rm -rf "$modules"/kernel/{sound,net/{wireless,mac80211,bluetooth}}
    find "$modules/kernel/drivers" -mindepth 1 -maxdepth 1 ! -name virtio ! -name block ! -name char ! -name net ! -name tty -exec rm -rf {} +
    find "$modules/kernel/drivers/net" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
    find "$modules" -name '*.ko.xz' -exec xz --decompress {} +
    depmod --basedir "$dir" "${modules##*/}"
    make_initrd "$dir" "${modules##*/}"
}

make_initrd() {
    local dir=$1 version=$2 tree=$1/initrd.tree module path loaded=()
    mkdir -p "$tree"/{bin,proc,dev,root,modules}
    cp /bin/busybox "$tree/bin/"
    # ext4 requests crc32c by a name that modules.dep does not list.
    for module in crc32c_generic virtio_pci virtio_blk ext4; do
        while read -r path; do
            [ -e "$tree/modules/${path##*/}" ] && continue
            cp "$path" "$tree/modules/"
            loaded+=("${path##*/}")
        done < <(modprobe --dirname "$dir" --set-version "$version" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p')
    done
    cat >"$tree/init" <<INIT
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for module in ${loaded[*]}; do /bin/busybox insmod "/modules/\$module"; done 2>/dev/null
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o rw,noatime /dev/vda /root
/bin/busybox mount --move /dev /root/dev
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /sbin/init
INIT
    chmod +x "$tree/init"
    (cd "$tree" && find . | cpio --create --format=newc --quiet) >"$dir/initrd"
    rm -rf "$tree"
}

# The root file system that all kernels start from.
make_disk() {
    local root=$MACHINES/root
    mmdebstrap --quiet --mode=root --variant=minbase --include="$GUEST_PACKAGES" --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        "$GUEST_SUITE" "$root" "$(mirror)" </dev/null >"$KIT/mmdebstrap.log" 2>&1 || fail "mmdebstrap failed, see $KIT/mmdebstrap.log"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
    mkdir -p "$root/usr/lib/modules"
    cp -a "$MACHINES"/kernels/*/lib/modules/. "$root/usr/lib/modules/"
    configure_root "$root"
    truncate -s "$DISK_SIZE" "$MACHINES/disk"
    mke2fs -q -t ext4 -O ^has_journal -d "$root" "$MACHINES/disk"
    rm -rf --one-file-system "$root"
}

configure_root() {
    local root=$1 units=$1/etc/systemd/system unit
    mkdir -p "$units/multi-user.target.wants"
    echo guest >"$root/etc/hostname"
    echo '127.0.0.1 localhost guest' >"$root/etc/hosts"
    : >"$root/etc/fstab"
    : >"$root/etc/machine-id"
    chroot "$root" useradd --create-home --shell /bin/bash alice
    chroot "$root" useradd --create-home --shell /bin/bash bob
    mkdir -p "$root/var/lib/systemd/linger"
    touch "$root/var/lib/systemd/linger/alice"
    # By default, the kernel drops messages that it logs too often.
    echo 'kernel.printk_ratelimit = 0' >"$root/etc/sysctl.d/guest.conf"
    guest_start >"$root/usr/local/sbin/guest-start"
    chmod 755 "$root/usr/local/sbin/guest-start"
    cat >"$units/guest-start.service" <<'UNIT'
[Unit]
After=multi-user.target dbus.service systemd-logind.service apparmor.service systemd-user-sessions.service
[Service]
ExecStart=/usr/local/sbin/guest-start
[Install]
WantedBy=multi-user.target
UNIT
    ln -s ../guest-start.service "$units/multi-user.target.wants/"
    ln -sf /usr/lib/systemd/system/multi-user.target "$units/default.target"
    for unit in getty@tty1.service serial-getty@ttyS0.service systemd-timesyncd.service systemd-random-seed.service apt-daily.timer \
        apt-daily-upgrade.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer; do
        ln -s /dev/null "$units/$unit"
    done
}

# What the guest does after booting: it waits, and its state is saved here; once restored, it takes the
# payload from the second disk. Until it is set, its clock shows the time of the save.
guest_start() {
    cat <<START
#!/bin/bash
exec >/dev/ttyS0 2>&1 </dev/null
until [ -e /run/user/1000/bus ]; do sleep 0.2; done
dmesg --console-off
sync
stty -F /dev/ttyS1 raw -echo
echo GUEST-READY
read -r now </dev/ttyS1
date --set "@\${now##* }" >/dev/null
mkdir -p $PAYLOAD
tar -xf /dev/vdb -C $PAYLOAD
bash $PAYLOAD/start
echo "GUEST-END \$?"
sync
echo o >/proc/sysrq-trigger
sleep 9
START
}

# Prints how qemu executes instructions: with KVM if a kernel gets as far as its panic that way, otherwise by
# emulation.
accelerator() {
    local kernel=$MACHINES/kernels/${KERNELS[0]%:*}/vmlinuz
    if [ -n "${GUEST_ACCEL:-}" ]; then
        echo "$GUEST_ACCEL"
    elif [ -w /dev/kvm ] && timeout 10 qemu-system-x86_64 -accel kvm -cpu host -m 512 -M q35 -nodefaults -no-user-config -display none \
        -no-reboot -kernel "$kernel" -append panic=-1 >/dev/null 2>&1; then
        echo kvm
    else
        echo tcg
    fi
}

# Where a kernel's saved machine is: only the same qemu, on the same processor, can restore it.
frozen() {
    echo "$MACHINES/frozen-$1-$ACCEL"
}

# Sets `machine` to the command for a machine with this kernel, its own disk and the payload's. A saved
# machine can only be restored with the same command.
set_machine() {
    local dir=$MACHINES/kernels/$1 accel=tcg,thread=multi,tb-size=256 cpu=max
    [ "$ACCEL" = tcg ] || { accel=$ACCEL && cpu=host; }
    machine=(
        qemu-system-x86_64 -accel "$accel" -cpu "$cpu" -smp "$CPUS" -m "$MEMORY" -M q35
        -nodefaults -no-user-config -display none -no-reboot -kernel "$dir/vmlinuz" -initrd "$dir/initrd"
        -append "console=ttyS0 quiet loglevel=4 mitigations=off nokaslr random.trust_cpu=on apparmor=1 security=apparmor
systemd.unified_cgroup_hierarchy=1 systemd.show_status=0"
        -drive "file=$2,format=qcow2,if=none,id=own,cache=unsafe" -device virtio-blk-pci,drive=own
        -drive "file=$3,format=raw,if=none,id=payload,readonly=on" -device virtio-blk-pci,drive=payload
    )
}

# Boots a kernel and saves the running machine, unless that was already done.
freeze() {
    local kernel=$1 dir pid key machine
    dir=$(frozen "$kernel")
    key="$(qemu-system-x86_64 --version | head -n 1) $(grep -m 1 '^model name' /proc/cpuinfo)"
    [ "$(cat "$dir/key" 2>/dev/null)" = "$key" ] && return
    heading "booting Linux $kernel ($ACCEL)"
    rm -rf "$dir"
    mkdir -p "$dir"
    # By a relative path that is valid from this directory and from that of each run, so that the whole tree
    # can be moved.
    qemu-img create -q -f qcow2 -b ../disk -F raw "$dir/disk"
    truncate -s "$PAYLOAD_SIZE" "$dir/none"
    set_machine "$kernel" "$dir/disk" "$dir/none"
    "${machine[@]}" -serial "file:$dir/log" -serial null -qmp "unix:$dir/qmp,server=on,wait=off" &
    pid=$!
    if ! wait_for_line GUEST-READY "$dir/log" "$pid"; then
        cat "$dir/log" >&2
        kill "$pid" || true
        fail "Linux $kernel did not boot"
    fi
    save_state "$dir" || fail "the machine with Linux $kernel could not be saved"
    wait "$pid" || true
    rm "$dir/none"
    echo "$key" >"$dir/key"
}

wait_for_line() {
    local line=$1 file=$2 pid=$3 tries
    for ((tries = 0; tries < BOOT_SECONDS * 5; tries++)); do
        grep -q "$line" "$file" 2>/dev/null && return
        kill -0 "$pid" 2>/dev/null || return
        sleep 0.2
    done
    return 1
}

# Writes a machine's memory to a file, through qemu's own protocol, and ends it.
save_state() {
    python3 - "$1" <<'PYTHON'
import json, socket, sys, time
dir = sys.argv[1]
connection = socket.socket(socket.AF_UNIX)
connection.connect(dir + '/qmp')
stream = connection.makefile('rw')
def ask(command, **arguments):
    stream.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if 'return' in answer:
            return answer['return']
        if 'error' in answer:
            sys.exit(answer['error']['desc'])
stream.readline()
ask('qmp_capabilities')
ask('migrate-set-parameters', **{'max-bandwidth': 10**10})
ask('migrate', uri=f'exec:zstd --quiet -1 --force -o {dir}/state')
while (status := ask('query-migrate').get('status')) not in ('completed', 'failed'):
    time.sleep(0.1)
ask('quit')
sys.exit(status != 'completed')
PYTHON
}

# Restores a kernel's machine, which runs the script `start` of a payload to its end; prints the guest's
# output. The status is that of the script, or 125 if the guest did not finish within this many seconds.
restore() {
    local kernel=$1 payload=$2 seconds=$3 dir machine status
    dir=$(mktemp -d "$MACHINES/run.XXXXXX")
    cp "$(frozen "$kernel")/disk" "$dir/disk"
    set_machine "$kernel" "$dir/disk" "$payload"
    # The first byte on a restored serial line is lost.
    echo "time time $(date +%s)" | timeout --kill-after=5 "$seconds" "${machine[@]}" -serial "file:$dir/log" \
        -chardev stdio,id=clock,signal=off -serial chardev:clock -incoming "exec:zstd -dc $(frozen "$kernel")/state" >&2 || true
    tr -d '\r' <"$dir/log"
    status=$(sed -n 's/^GUEST-END \([0-9]*\).*/\1/p' "$dir/log")
    rm -r "$dir"
    return "${status:-125}"
}

fail() {
    echo "$0: $1" >&2
    exit 1
}
