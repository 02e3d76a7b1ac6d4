// The floor for the mapper: the system calls that newidmap-helper makes on success, in the same order and
// with the same read sizes; it finds the owner's lines and compares the ranges. Errors have no text, and
// nothing is hardened.
#include "bare.h"
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <asm/stat.h>
#include <asm/statfs.h>

#define NSFS_MAGIC 0x6e736673
#define NS_GET_PARENT 0xb702
#define NS_GET_OWNER_UID 0xb704
#define INITIAL_USER_NAMESPACE 0xEFFFFFFDUL
#define CAPABILITIES (1U << CAP_SETGID | 1U << CAP_SETUID)
#define READ (O_RDONLY | O_NONBLOCK | O_LARGEFILE | O_NOFOLLOW | O_CLOEXEC)
#define LOOK (O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_PATH)
#define AT_UID 11
#define AT_GID 13
#define MAX_LINES 340

struct file {
    int descriptor;
    size_t size;
};

struct line {
    unsigned long inside, outside, count;
};

struct map {
    struct line lines[MAX_LINES];
    size_t used;
};

static char buffer[64 * 1024];
static struct map maps[2]; // uid, gid
static struct line grants[2][4096];
static size_t granted[2];
static unsigned long own[2];
static char name[256]; // with the colon that ends it
static size_t name_length;

static void set_effective(unsigned effective) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{effective, CAPABILITIES, 0}, {0, 0, 0}};
    MUST(CALL(__NR_capset, &header, sets));
}

static void set_privilege_aside(void) {
    MUST(CALL(__NR_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0));
    MUST(CALL(__NR_setresgid, own[1], own[1], own[1]));
    MUST(CALL(__NR_setresuid, own[0], own[0], own[0]));
    set_effective(0);
    MUST(CALL(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0));
    struct rlimit64 none = {0, 0};
    MUST(CALL(__NR_prlimit64, 0, RLIMIT_CORE, &none, 0));
}

static void read_own_ids(long count, char **words) {
    char **at = words + count + 1;
    while (*at)
        at++;
    for (unsigned long *pair = (unsigned long *)(at + 1); *pair; pair += 2)
        if (*pair == AT_UID || *pair == AT_GID)
            own[*pair == AT_GID] = pair[1];
}

static struct file open_trusted(const char *path) {
    int descriptor = (int)MUST(CALL(__NR_open, path, READ, 0));
    struct stat stat;
    MUST(CALL(__NR_fstat, descriptor, &stat));
    if (!S_ISREG(stat.st_mode) || stat.st_uid || stat.st_mode & 022)
        leave(4);
    return (struct file){descriptor, (size_t)stat.st_size};
}

// The next newline, eight bytes at a time.
static inline const char *end_of_line(const char *at, const char *end) {
    const uint64_t ones = 0x0101010101010101;
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, 8);
        word ^= ones * '\n';
        uint64_t found = (word - ones) & ~word & (ones << 7);
        if (found)
            return at + (__builtin_ctzll(found) >> 3);
    }
    while (at < end && *at != '\n')
        at++;
    return at;
}

static inline __attribute__((always_inline)) void each_line(struct file file, int kind,
                                                            void (*visit)(int, const char *, const char *)) {
    size_t offset = 0, kept = 0;
    while (offset < file.size) {
        size_t wanted = sizeof buffer - kept < file.size - offset ? sizeof buffer - kept : file.size - offset;
        long fresh = MUST(CALL(__NR_pread64, file.descriptor, buffer + kept, wanted, offset));
        if (!fresh)
            break;
        offset += (size_t)fresh;
        const char *at = buffer, *end = buffer + kept + fresh, *stop;
        for (; (stop = end_of_line(at, end)) < end; at = stop + 1)
            visit(kind, at, stop);
        kept = (size_t)(end - at);
        for (size_t byte = 0; byte < kept; byte++)
            buffer[byte] = at[byte];
    }
}

static const char *field(const char *at, const char *end, int skipped) {
    while (at < end && skipped)
        skipped -= *at++ == ':';
    return at;
}

static void note_name(int kind, const char *line, const char *end) {
    (void)kind;
    const char *uid = field(line, end, 2);
    if (number(&uid) != own[0])
        return;
    while (name_length < sizeof name && line[name_length] != ':')
        name[name_length] = line[name_length], name_length++;
    name[name_length++] = ':';
}

static void note_nothing(int kind, const char *line, const char *end) {
    (void)kind, (void)line, (void)end;
}

static void note_grant(int kind, const char *line, const char *end) {
    if ((size_t)(end - line) < name_length)
        return;
    for (size_t at = 0; at < name_length; at++)
        if (line[at] != name[at])
            return;
    const char *numbers = line + name_length;
    unsigned long first = number(&numbers);
    grants[kind][granted[kind]++] = (struct line){0, first, number(&numbers)};
}

// A grant that contains the ID of an existing account is void.
static void void_grants(int unused, const char *line, const char *end) {
    (void)unused;
    const char *ids = field(line, end, 2);
    unsigned long uid = number(&ids), gid = number(&ids);
    for (int kind = 0; kind < 2; kind++)
        for (size_t at = 0; at < granted[kind]; at++)
            if (uid - grants[kind][at].outside < grants[kind][at].count ||
                (kind && gid - grants[kind][at].outside < grants[kind][at].count))
                grants[kind][at].count = 0;
}

static void read_map(struct map *map, const char *word) {
    while (*word && map->used < MAX_LINES) {
        unsigned long inside = number(&word), outside = number(&word);
        map->lines[map->used++] = (struct line){inside, outside, number(&word)};
    }
}

static void authorize(int kind) {
    for (size_t at = 0; at < maps[kind].used; at++) {
        struct line asked = maps[kind].lines[at];
        int allowed = asked.count == 1 && asked.outside == own[kind];
        for (size_t grant = 0; grant < granted[kind]; grant++)
            allowed |= asked.outside >= grants[kind][grant].outside &&
                       asked.outside + asked.count <= grants[kind][grant].outside + grants[kind][grant].count;
        if (!allowed)
            leave(1);
    }
}

static void must_be_on(int descriptor, long magic) {
    struct statfs stat;
    MUST(CALL(__NR_fstatfs, descriptor, &stat));
    if (stat.f_type != magic)
        leave(3);
}

static int open_target(const char *word) {
    char path[32] = "/proc/self/fd/";
    const char *digits = word + 3; // fd:
    *put_number(path + 14, number(&digits)) = 0;
    int directory = (int)MUST(CALL(__NR_open, path, LOOK, 0));
    must_be_on(directory, PROC_SUPER_MAGIC);
    struct stat stat;
    MUST(CALL(__NR_fstat, directory, &stat));
    unsigned owner = ~0U;
    int namespace = (int)MUST(CALL(__NR_openat, directory, "ns/user", O_RDONLY | O_NONBLOCK | O_LARGEFILE | O_CLOEXEC, 0));
    must_be_on(namespace, NSFS_MAGIC);
    int parent = (int)MUST(CALL(__NR_ioctl, namespace, NS_GET_PARENT, 0));
    struct stat identity;
    MUST(CALL(__NR_fstat, parent, &identity));
    MUST(CALL(__NR_ioctl, namespace, NS_GET_OWNER_UID, &owner));
    if (stat.st_uid != own[0] || identity.st_ino != INITIAL_USER_NAMESPACE || owner != own[0])
        leave(3);
    return directory;
}

static int open_empty(int directory, const char *file) {
    struct open_how how = {O_RDWR | O_LARGEFILE | O_NOFOLLOW | O_CLOEXEC, 0,
                           RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    int descriptor = (int)MUST(CALL(__NR_openat2, directory, file, &how, sizeof how));
    must_be_on(descriptor, PROC_SUPER_MAGIC);
    char byte;
    if (CALL(__NR_pread64, descriptor, &byte, 1, 0) != 0)
        leave(3);
    return descriptor;
}

static void write_map(int descriptor, const struct map *map) {
    char *at = buffer;
    for (size_t line = 0; line < map->used; line++) {
        at = put_number(at, map->lines[line].inside);
        *at++ = ' ';
        at = put_number(at, map->lines[line].outside);
        *at++ = ' ';
        at = put_number(at, map->lines[line].count);
        *at++ = '\n';
    }
    if (CALL(__NR_write, descriptor, buffer, at - buffer) != at - buffer)
        leave(6);
}

int run(long count, char **words) {
    read_own_ids(count, words);
    set_privilege_aside();
    MUST(CALL(__NR_open, "/", LOOK | O_NOFOLLOW, 0));
    for (long at = 2; at + 1 < count; at += 2)
        read_map(&maps[same(words[at], "--gid-map")], words[at + 1]);
    struct file accounts = open_trusted("/etc/passwd");
    each_line(accounts, 0, note_name);
    each_line(open_trusted("/etc/nsswitch.conf"), 0, note_nothing);
    CALL(__NR_open, "/etc/subroot", LOOK | O_NOFOLLOW, 0);
    each_line(open_trusted("/etc/subuid"), 0, note_grant);
    each_line(open_trusted("/etc/subgid"), 1, note_grant);
    each_line(accounts, 0, void_grants);
    authorize(0);
    authorize(1);
    int directory = open_target(words[1]);
    set_effective(CAPABILITIES);
    int gid_map = open_empty(directory, "gid_map"), uid_map = open_empty(directory, "uid_map");
    write_map(gid_map, &maps[1]);
    write_map(uid_map, &maps[0]);
    set_effective(0);
    return 0;
}
