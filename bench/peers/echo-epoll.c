/*
 * The floor: what an echo costs in C when nothing stands between the program and the kernel.
 *
 * One thread, level-triggered epoll, one buffer for all connections, read and write called directly.
 * A level-triggered read that comes back shorter than the buffer has emptied the socket, so an echo
 * is one read and one write; there is no second read that only learns EAGAIN.
 *
 *   echo-epoll [--port N]      N = 0, the default, takes a free port; always on 127.0.0.1
 *
 * Prints "listening PORT" when it is ready. Prints "syscalls N requests N" on SIGUSR1, and on SIGTERM or at the
 * end of its standard input, where it also ends: a parent that dies takes it along.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENTS = 1024, BUFFER_SIZE = 64 * 1024, BACKLOG = 4096, WRITE_STALL_MS = 1000 };

static char buffer[BUFFER_SIZE];

/* Every system call made while serving, the waits included; requests are reads that brought data. */
static uint64_t syscalls;
static uint64_t requests;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void print_counters(void)
{
    printf("syscalls %llu requests %llu\n", (unsigned long long)syscalls, (unsigned long long)requests);
    fflush(stdout);
}

static int listen_on(uint16_t port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        die("socket");

    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);

    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0)
        die("bind");
    if (listen(listener, BACKLOG) < 0)
        die("listen");

    socklen_t length = sizeof address;
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        die("getsockname");
    printf("listening %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static int watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(int epoll, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        syscalls++;
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EAGAIN)
                return;
            die("accept4");
        }

        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (watch(epoll, fd) < 0)
            die("epoll_ctl");
        syscalls += 2;
    }
}

/* 0 when everything was written. A peer that does not read is waited for, briefly: the load generator always reads,
 * and a queue for each connection would be the beginning of a library. */
static int write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, data, length);
        syscalls++;
        if (written >= 0) {
            data += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd writable = { .fd = fd, .events = POLLOUT };
            syscalls++;
            if (poll(&writable, 1, WRITE_STALL_MS) == 0)
                return -1;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

static void echo(int fd)
{
    ssize_t length = read(fd, buffer, sizeof buffer);
    syscalls++;
    if (length > 0) {
        requests++;
        if (write_all(fd, buffer, (size_t)length) == 0)
            return;
    } else if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    close(fd); /* also leaves the epoll set */
    syscalls++;
}

static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void on_signal(int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == sizeof info) {
        print_counters();
        if (info.ssi_signo == SIGTERM)
            exit(0);
    }
}

static void on_stdin(void)
{
    char ignored[256];
    if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) {
        print_counters();
        exit(0);
    }
}

int main(int argc, char **argv)
{
    long port = argc == 1 ? 0 : argc == 3 && strcmp(argv[1], "--port") == 0 ? strtol(argv[2], NULL, 10) : -1;
    if (port < 0 || port > 65535) {
        fprintf(stderr, "usage: %s [--port N]\n", argv[0]);
        return 2;
    }

    int signals = block_signals();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll_create1");
    int listener = listen_on((uint16_t)port);
    if (watch(epoll, listener) < 0 || watch(epoll, signals) < 0)
        die("epoll_ctl");
    /* A file or /dev/null cannot be watched (EPERM): then only a signal ends the server. */
    if (watch(epoll, STDIN_FILENO) < 0 && errno != EPERM)
        die("epoll_ctl stdin");

    struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, MAX_EVENTS, -1);
        syscalls++;
        if (ready < 0 && errno != EINTR)
            die("epoll_wait");

        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_all(epoll, listener);
            else if (fd == signals)
                on_signal(signals);
            else if (fd == STDIN_FILENO)
                on_stdin();
            else
                echo(fd);
        }
    }
}
