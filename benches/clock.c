// Runs commands in turn, in a new random order each round, and times each with all its processes:
//   clock map ROUNDS @NAME COMMAND… [+ COMMAND…] …    a fresh process in a new user namespace is the target of each sample
//   clock launch ROUNDS @NAME COMMAND… …              the commands only
//   clock load ROUNDS AT_ONCE @NAME COMMAND… …        AT_ONCE at the same time; reports the time per launch
// The word PID is replaced by the target's PID, whose /proc directory is descriptor 7, and TURN by a number
// that is never repeated. Each sample prints ROUND NAME NANOSECONDS CPU_MICROSECONDS
// KIB_OF_THE_LARGEST_PROCESS, for all its commands together.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_VARIANTS 16
#define MAX_COMMANDS 2
#define DIRECTORY 7
// How long to wait for processes that a command leaves behind, in milliseconds; some programs leave one
// running for good.
#define PATIENCE 300

struct variant {
    const char *name;
    char **commands[MAX_COMMANDS];
    int used;
};

struct sample {
    long long wall, cpu;
    long largest;
};

static struct variant variants[MAX_VARIANTS];
static int variant_count;
static char pid_word[16], turn_word[16];

static void fail(const char *what) {
    fprintf(stderr, "clock: %s: %s\n", what, strerror(errno));
    exit(1);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void read_variants(char **words) {
    for (; *words; words++) {
        if (**words == '@') {
            struct variant *variant = &variants[variant_count++];
            if (variant_count > MAX_VARIANTS)
                fail("too many variants");
            variant->name = *words + 1;
            variant->commands[variant->used++] = words + 1;
            *words = NULL;
        } else if (!strcmp(*words, "+")) {
            struct variant *variant = &variants[variant_count - 1];
            if (variant->used == MAX_COMMANDS)
                fail("too many commands");
            variant->commands[variant->used++] = words + 1;
            *words = NULL;
        } else if (!strcmp(*words, "PID")) {
            *words = pid_word;
        } else if (!strcmp(*words, "TURN")) {
            *words = turn_word;
        }
    }
}

static pid_t start(char **command) {
    static int turn;
    snprintf(turn_word, sizeof turn_word, "turn%d", ++turn);
    pid_t pid = vfork();
    if (pid == 0) {
        execv(command[0], command);
        _exit(127);
    }
    if (pid < 0)
        fail("vfork");
    return pid;
}

static void add(struct sample *sample, const struct rusage *usage) {
    sample->cpu += (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000LL;
    sample->cpu += usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
    if (usage->ru_maxrss > sample->largest)
        sample->largest = usage->ru_maxrss;
}

static void must_have_worked(const char *name, int status) {
    if (status) {
        fprintf(stderr, "clock: %s ended with wait status %#x\n", name, status);
        exit(1);
    }
}

static void run(const struct variant *variant, struct sample *sample) {
    struct rusage usage;
    int status;
    for (int at = 0; at < variant->used; at++) {
        pid_t pid = start(variant->commands[at]);
        if (wait4(pid, &status, 0, &usage) != pid)
            fail("wait4");
        must_have_worked(variant->name, status);
        add(sample, &usage);
    }
}

// A process in a new user namespace that waits to be killed.
static pid_t start_target(void) {
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    if (pid < 0)
        fail("clone");
    char path[32];
    snprintf(pid_word, sizeof pid_word, "%d", pid);
    snprintf(path, sizeof path, "/proc/%d", pid);
    int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || dup2(directory, DIRECTORY) != DIRECTORY)
        fail(path);
    if (directory != DIRECTORY)
        close(directory);
    return pid;
}

static void end_target(pid_t target, const char *name) {
    char map[256];
    int file = openat(DIRECTORY, "uid_map", O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, map, sizeof map) <= 0) {
        fprintf(stderr, "clock: %s wrote no uid_map\n", name);
        exit(1);
    }
    close(file);
    kill(target, SIGKILL);
    if (waitpid(target, NULL, 0) != target)
        fail("waitpid");
}

// Includes processes that outlived their parent: they have become children of this one.
static void reap_orphans(struct sample *sample) {
    struct rusage usage;
    for (int waited = 0; waited < PATIENCE;) {
        pid_t pid = wait4(-1, NULL, WNOHANG, &usage);
        if (pid < 0)
            return;
        if (pid > 0) {
            add(sample, &usage);
        } else {
            usleep(1000);
            waited++;
        }
    }
}

static struct sample time_one(const struct variant *variant, int with_target) {
    struct sample sample = {0, 0, 0};
    pid_t target = with_target ? start_target() : 0;
    long long begin = now();
    run(variant, &sample);
    sample.wall = now() - begin;
    if (with_target)
        end_target(target, variant->name);
    else
        reap_orphans(&sample);
    return sample;
}

static struct sample time_load(const struct variant *variant, int at_once) {
    struct sample sample = {0, 0, 0};
    int all = at_once * 2 < 16 ? 16 : at_once * 2, running = 0, started = 0, status;
    struct rusage usage;
    pid_t *own = calloc((size_t)all, sizeof *own);
    long long begin = now();
    for (int ended = 0; ended < all;) {
        while (running < at_once && started < all) {
            own[started++] = start(variant->commands[0]);
            running++;
        }
        pid_t pid = wait4(-1, &status, 0, &usage);
        if (pid < 0)
            fail("wait4");
        add(&sample, &usage);
        for (int at = 0; at < started; at++)
            if (own[at] == pid) {
                must_have_worked(variant->name, status);
                running--, ended++;
            }
    }
    sample.wall = (now() - begin) / all;
    sample.cpu /= all;
    free(own);
    reap_orphans(&(struct sample){0, 0, 0});
    return sample;
}

static void shuffle(int *order) {
    for (int at = variant_count - 1; at > 0; at--) {
        int other = (int)(random() % (at + 1)), kept = order[at];
        order[at] = order[other];
        order[other] = kept;
    }
}

int main(int count, char **words) {
    if (count < 5)
        fail("usage: clock map|launch|load ROUNDS [AT_ONCE] @NAME COMMAND…");
    int maps = !strcmp(words[1], "map"), loads = !strcmp(words[1], "load");
    int rounds = atoi(words[2]), at_once = loads ? atoi(words[3]) : 1;
    read_variants(words + 3 + loads);
    int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 0);
    int out = dup(1);
    fcntl(out, F_SETFD, FD_CLOEXEC);
    FILE *table = fdopen(out, "w");
    dup2(nothing, 1);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1))
        fail("prctl");
    int order[MAX_VARIANTS];
    for (int at = 0; at < variant_count; at++)
        order[at] = at;
    for (int round = 0; round < rounds; round++) {
        shuffle(order);
        for (int at = 0; at < variant_count; at++) {
            const struct variant *variant = &variants[order[at]];
            struct sample sample = loads ? time_load(variant, at_once) : time_one(variant, maps);
            fprintf(table, "%d %s %lld %lld %ld\n", round, variant->name, sample.wall, sample.cpu, sample.largest);
        }
    }
    return 0;
}
