/*
 * Reads what a child writes to a pipe, with nothing in between: the floor for the reading side. A line with a number of bytes on the standard input is a turn: a
 * child writes as many, and the seconds until all have been read are the answer. With --write and a number this program is the child.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (64 * 1024)

extern char **environ;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int write_all(long long left)
{
    static char block[BLOCK];
    memset(block, 'x', sizeof block);
    while (left > 0) {
        ssize_t written = write(1, block, left < BLOCK ? (size_t)left : BLOCK);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return 1;
        }
        left -= written;
    }
    return 0;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double turn(const char *self, const char *bytes)
{
    static char block[BLOCK];
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        fail("pipe2");
    double start = now();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    char *arguments[] = {(char *)self, "--write", (char *)bytes, NULL};
    pid_t child;
    errno = posix_spawn(&child, self, &actions, NULL, arguments, environ);
    if (errno != 0)
        fail("posix_spawn");
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    long long total = 0;
    for (;;) {
        ssize_t count = read(ends[0], block, sizeof block);
        if (count < 0) {
            if (errno == EINTR)
                continue;
            fail("read");
        }
        if (count == 0)
            break;
        total += count;
    }
    double seconds = now() - start;
    close(ends[0]);
    int status;
    if (waitpid(child, &status, 0) < 0 || status != 0 || total != atoll(bytes)) {
        fprintf(stderr, "the child failed\n");
        exit(1);
    }
    return seconds;
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "--write") == 0)
        return write_all(atoll(arguments[2]));
    char line[64];
    printf("c\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        printf("%.9f\n", turn(arguments[0], line));
        fflush(stdout);
    }
    return 0;
}
