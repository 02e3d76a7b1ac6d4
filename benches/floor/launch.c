// The floor for a launch: launch [--devices] [--mapper PROGRAM MAP] ROOTFS COMMAND
// Makes subroot's namespaces, runs a mapper once for both maps (or maps only the caller's own ID), binds the
// root over itself, mounts proc, optionally the private /dev and the host's /sys, calls pivot_root, detaches
// the old root and runs the command as PID 1. There is no init; no signal is forwarded, no capability
// dropped, nothing checked, read back or cleaned up, and errors have no text.
#include "bare.h"
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/wait.h>
#include <linux/types.h>

#define SIGCHLD 17
#define MNT_DETACH 2
#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)
#define HARDENED (MS_NOSUID | MS_NODEV | MS_NOEXEC)

struct launch {
    int devices;
    char *mapper, *map, *root;
    char **command, **environment;
};

static void mount(const char *source, const char *place, const char *kind, unsigned long flags, const char *options) {
    MUST(CALL(__NR_mount, source, place, kind, flags, options));
}

static void mount_device(const char *device, const char *place) {
    long file = MUST(CALL(__NR_open, place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    CALL(__NR_close, file);
    mount(device, place, NULL, MS_BIND, NULL);
}

static void mount_devices(void) {
    mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=65536k");
    mount_device("/dev/null", "dev/null");
    mount_device("/dev/zero", "dev/zero");
    mount_device("/dev/full", "dev/full");
    mount_device("/dev/random", "dev/random");
    mount_device("/dev/urandom", "dev/urandom");
    mount_device("/dev/tty", "dev/tty");
    MUST(CALL(__NR_symlink, "/proc/self/fd", "dev/fd"));
    MUST(CALL(__NR_symlink, "/proc/self/fd/0", "dev/stdin"));
    MUST(CALL(__NR_symlink, "/proc/self/fd/1", "dev/stdout"));
    MUST(CALL(__NR_symlink, "/proc/self/fd/2", "dev/stderr"));
    MUST(CALL(__NR_symlink, "pts/ptmx", "dev/ptmx"));
    MUST(CALL(__NR_mkdir, "dev/shm", 0755));
    mount("tmpfs", "dev/shm", "tmpfs", HARDENED, "mode=1777");
    MUST(CALL(__NR_mkdir, "dev/pts", 0755));
    mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666,mode=0620");
    mount("/sys", "sys", NULL, MS_BIND | MS_REC, NULL);
}

static __attribute__((noreturn)) void enter(const struct launch *launch, int go) {
    char byte;
    if (MUST(CALL(__NR_read, go, &byte, 1)) != 1)
        leave(1);
    mount(launch->root, launch->root, NULL, MS_BIND | MS_REC, NULL);
    MUST(CALL(__NR_chdir, launch->root));
    mount("proc", "proc", "proc", HARDENED, NULL);
    if (launch->devices)
        mount_devices();
    MUST(CALL(__NR_pivot_root, ".", "."));
    MUST(CALL(__NR_umount2, ".", MNT_DETACH));
    MUST(CALL(__NR_execve, launch->command[0], launch->command, launch->environment));
    leave(1);
}

static void open_and_write(long directory, const char *name, const char *text, size_t length) {
    long file = MUST(CALL(__NR_openat, directory, name, O_WRONLY | O_CLOEXEC, 0));
    MUST(CALL(__NR_write, file, text, length));
    CALL(__NR_close, file);
}

static void map_own_id(long directory, const char *file, unsigned long id) {
    char text[32] = "0 ";
    char *at = put_number(text + 2, id);
    *at++ = ' ', *at++ = '1';
    open_and_write(directory, file, text, (size_t)(at - text));
}

static int wait_for(long pid) {
    int status;
    MUST(CALL(__NR_wait4, pid, &status, 0, NULL));
    return status & 127 ? 128 + (status & 127) : status >> 8;
}

// Like vfork(2), but written inline: the child borrows this stack, so it must not return from any function
// before execve.
static void run_mapper(const struct launch *launch, long directory) {
    char target[16] = "fd:", *none[] = {NULL};
    char *words[] = {launch->mapper, target, "--uid-map", launch->map, "--gid-map", launch->map, NULL};
    *put_number(target + 3, (unsigned long)directory) = 0;
    long pid = MUST(CALL(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0));
    if (pid == 0) {
        CALL(__NR_execve, launch->mapper, words, none);
        leave(127);
    }
    if (wait_for(pid))
        leave(1);
}

static void write_maps(const struct launch *launch, long pid) {
    char path[32] = "/proc/";
    *put_number(path + 6, (unsigned long)pid) = 0;
    long directory = MUST(CALL(__NR_open, path, O_PATH | O_DIRECTORY, 0));
    if (launch->mapper) {
        run_mapper(launch, directory);
        return;
    }
    open_and_write(directory, "setgroups", "deny", 4);
    map_own_id(directory, "gid_map", (unsigned long)CALL(__NR_getgid, 0));
    map_own_id(directory, "uid_map", (unsigned long)CALL(__NR_getuid, 0));
}

int run(long count, char **words) {
    struct launch launch = {.environment = words + count + 1};
    for (words++; **words == '-'; words++) {
        if (same(*words, "--devices"))
            launch.devices = 1;
        else
            launch.mapper = *++words, launch.map = *++words;
    }
    launch.root = *words++;
    launch.command = words;
    int go[2];
    MUST(CALL(__NR_pipe2, go, O_CLOEXEC));
    struct clone_args arguments = {.flags = NAMESPACES, .exit_signal = SIGCHLD};
    long pid = MUST(CALL(__NR_clone3, &arguments, sizeof arguments));
    if (pid == 0)
        enter(&launch, go[0]);
    write_maps(&launch, pid);
    MUST(CALL(__NR_write, go[1], "g", 1));
    return wait_for(pid);
}
