/*
 * The floor: what a short connection costs in C when nothing stands between the program and the kernel.
 *
 * One thread, level-triggered epoll. Accepts until nobody waits, and either closes what it accepted at once, or, with
 * --answer, reads a byte of it, sends that back, and closes. A client that connects usually has something to say, so the
 * read is tried before anything is registered with epoll: without that, every connection would cost a call more.
 *
 *   accept-epoll [--answer]      on a free port of 127.0.0.1
 *
 * Prints "listening PORT" when it is ready. Ends at the end of its standard input: a parent that dies takes it along.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENTS = 1024, BACKLOG = 4096 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_on_free_port(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        die("socket");

    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    /* What is accepted inherits it. */
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    struct sockaddr_in address = { .sin_family = AF_INET };
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

/* False when there is nothing to read yet; otherwise the connection is over. */
static int try_answer(int fd)
{
    char byte;
    ssize_t length = read(fd, &byte, 1);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (length == 1 && write(fd, &byte, 1) < 0 && errno != EPIPE && errno != ECONNRESET)
        die("write");
    close(fd); /* also leaves the epoll set */
    return 1;
}

static int watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(int epoll, int listener, int answers)
{
    for (;;) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        int fd = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EAGAIN)
                return;
            die("accept4");
        }

        if (!answers)
            close(fd);
        else if (!try_answer(fd) && watch(epoll, fd) < 0)
            die("epoll_ctl");
    }
}

int main(int argc, char **argv)
{
    int answers = argc == 2 && strcmp(argv[1], "--answer") == 0;
    if (argc > 2 || (argc == 2 && !answers)) {
        fprintf(stderr, "usage: %s [--answer]\n", argv[0]);
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll_create1");
    int listener = listen_on_free_port();
    if (watch(epoll, listener) < 0)
        die("epoll_ctl");
    /* A file or /dev/null cannot be watched (EPERM): then only a signal ends the server. */
    if (watch(epoll, STDIN_FILENO) < 0 && errno != EPERM)
        die("epoll_ctl stdin");

    struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, MAX_EVENTS, -1);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait");

        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            char ignored[256];
            if (fd == listener)
                accept_all(epoll, listener, answers);
            else if (fd != STDIN_FILENO)
                try_answer(fd);
            else if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
                return 0;
        }
    }
}
