/* Makes the system calls that are its arguments, and prints a line for each: its word and the errno, or 0. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define X32_BIT 0x40000000
#define SESSION_KEYRING -3

static const struct { const char *word; long number, first, second; } CALLS[] = {
    {"keyctl", SYS_keyctl, 0, SESSION_KEYRING},
    {"add_key", SYS_add_key},
    {"request_key", SYS_request_key},
    {"bpf", SYS_bpf},
    {"perf_event_open", SYS_perf_event_open},
    {"userfaultfd", SYS_userfaultfd},
    {"open_by_handle_at", SYS_open_by_handle_at, -1},
    {"io_uring_setup", SYS_io_uring_setup},
    {"io_uring_enter", SYS_io_uring_enter, -1},
    {"io_uring_register", SYS_io_uring_register, -1},
    {"quotactl_fd", 443, -1},
    {"kexec_load", SYS_kexec_load, 0, 17},
    {"init_module", SYS_init_module},
    {"finit_module", SYS_finit_module, -1},
    {"reboot", SYS_reboot},
    {"swapon", SYS_swapon},
    {"syslog", SYS_syslog, 10},
    {"acct", SYS_acct, 1},
    {"quotactl", SYS_quotactl, -1},
    {"settimeofday", SYS_settimeofday},
    {"fanotify_init", SYS_fanotify_init, -1},
    {"nfsservctl", 180},
    {"lookup_dcookie", 212},
    {"uselib", 134},
    {"alg", SYS_socket, 38, SOCK_SEQPACKET},
    {"vsock", SYS_socket, 40, SOCK_STREAM},
    {"inet", SYS_socket, AF_INET, SOCK_STREAM},
    {"unshare", SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS},
    {"personality", SYS_personality, 0xffffffff},
    {"personality:no-randomize", SYS_personality, 0x40000},
    {"personality:read-implies-exec", SYS_personality, 0x400000},
    {"personality:page-zero", SYS_personality, 0x100000},
    {"vmsplice", SYS_vmsplice, -1},
    {"ustat", SYS_ustat, -1},
    {"x32", X32_BIT | SYS_getpid},
    {"unknown", 1000},
    {"tiocsti", SYS_ioctl, 0, TIOCSTI},
    {"tiocsti-high", SYS_ioctl, 0, TIOCSTI | 0xdeadbeef00000000},
    {"tioclinux", SYS_ioctl, 0, TIOCLINUX},
    {"winsize", SYS_ioctl, 0, TIOCGWINSZ},
};

/* The arguments of socketcall, in the low 4 GiB, where an i386 call can find it: socket(2). */
static unsigned vsock[3] = {40, SOCK_STREAM}, alg[3] = {38, SOCK_SEQPACKET}, inet[3] = {AF_INET, SOCK_STREAM};

/* The same through int 0x80: an i386 call from a 64-bit program. asm/unistd_32.h */
static const struct { const char *word; long number, first, second; } I386[] = {
    {"i386:getpid", 20},
    {"i386:keyctl", 288, 0, SESSION_KEYRING},
    {"i386:bpf", 357},
    {"i386:stime", 25},
    {"i386:alg", 359, 38, SOCK_SEQPACKET},
    {"i386:inet", 359, AF_INET, SOCK_STREAM},
    {"i386:socketcall-inet", 102, 1, (long)inet},
    {"i386:socketcall-vsock", 102, 1, (long)vsock},
    {"i386:socketcall-alg", 102, 1, (long)alg},
    {"i386:personality", 136, 0x400000},
    {"i386:tiocsti", 54, 0, TIOCSTI},
    {"i386:unknown", 1000},
};

/* The third argument of an ioctl: the character for TIOCSTI, and a buffer for TIOCGWINSZ. */
static char value[64] = "X";

static long by_syscall(long number, long first, long second) {
    return syscall(number, first, second, number == SYS_ioctl ? value : NULL, 0, 0);
}

static long by_int_80(long number, long first, long second) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(number == 54 ? (long)value : 0)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

/* Connects to an abstract socket. */
static long connect_to(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path + 1, name);
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
    return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, length);
}

static int call(const char *word) {
    errno = 0;
    if (!strncmp(word, "abstract:", 9))
        return connect_to(word + 9) < 0 ? errno : 0;
    for (size_t at = 0; at < sizeof CALLS / sizeof *CALLS; at++)
        if (!strcmp(word, CALLS[at].word))
            return by_syscall(CALLS[at].number, CALLS[at].first, CALLS[at].second) < 0 ? errno : 0;
    for (size_t at = 0; at < sizeof I386 / sizeof *I386; at++)
        if (!strcmp(word, I386[at].word)) {
            long result = by_int_80(I386[at].number, I386[at].first, I386[at].second);
            return result < 0 ? -result : 0;
        }
    return -1;
}

int main(int count, char **words) {
    for (int at = 1; at < count; at++)
        printf("%s %d\n", words[at], call(words[at]));
    return 0;
}
