// Gives bubblewrap a full map, for which it has no option: drive OWN START COUNT BWRAP --info-fd 5
// --userns-block-fd 6 …
// Reads the PID that bubblewrap writes to descriptor 5, runs newuidmap and newgidmap on it, and lets it
// continue through descriptor 6.
#include "bare.h"
#include <linux/fcntl.h>
#include <linux/sched.h>

#define SIGCHLD 17
#define INFO 5
#define BLOCK 6
#define KEY "\"child-pid\": "

static char **environment;

static int wait_for(long pid) {
    int status;
    MUST(CALL(__NR_wait4, pid, &status, 0, NULL));
    return status & 127 ? 128 + (status & 127) : status >> 8;
}

static void map(const char *program, char *pid, char **own_start_count) {
    char *words[] = {(char *)program, pid, "0", own_start_count[0], "1", "1", own_start_count[1], own_start_count[2], NULL};
    long child = MUST(CALL(__NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0));
    if (child == 0) {
        CALL(__NR_execve, program, words, environment);
        leave(127);
    }
    if (wait_for(child))
        leave(1);
}

static int begins(const char *text, const char *start) {
    while (*start && *start == *text)
        start++, text++;
    return !*start;
}

// Extracts the PID from `{ "child-pid": N, … }` once all of it has arrived.
static char *read_pid(int info) {
    static char text[4096];
    size_t length = 0;
    do
        length += (size_t)MUST(CALL(__NR_read, info, text + length, sizeof text - 1 - length));
    while (length && text[length - 1] != '}' && text[length - 1] != '\n');
    char *at = text, *end;
    while (*at && !begins(at, KEY))
        at++;
    at += sizeof KEY - 1;
    for (end = at; *end >= '0' && *end <= '9'; end++)
        ;
    *end = 0;
    return at;
}

int run(long count, char **words) {
    environment = words + count + 1;
    int info[2], block[2];
    MUST(CALL(__NR_pipe2, info, O_CLOEXEC));
    MUST(CALL(__NR_pipe2, block, O_CLOEXEC));
    long pid = MUST(CALL(__NR_clone, SIGCHLD, 0, 0, 0, 0));
    if (pid == 0) {
        // The pipes are 3 to 6: copy above that range, so as not to overwrite one that is still to be copied.
        long told = MUST(CALL(__NR_fcntl, info[1], F_DUPFD, 10)), waited = MUST(CALL(__NR_fcntl, block[0], F_DUPFD, 10));
        MUST(CALL(__NR_dup3, told, INFO, 0));
        MUST(CALL(__NR_dup3, waited, BLOCK, 0));
        CALL(__NR_close, told);
        CALL(__NR_close, waited);
        CALL(__NR_execve, words[4], words + 4, environment);
        leave(127);
    }
    CALL(__NR_close, info[1]);
    char *sandbox = read_pid(info[0]);
    map("/usr/bin/newgidmap", sandbox, words + 1);
    map("/usr/bin/newuidmap", sandbox, words + 1);
    MUST(CALL(__NR_write, block[1], "g", 1));
    return wait_for(pid);
}
