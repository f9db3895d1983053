/*
 * The floor: what a byte of a file costs in C when nothing stands between the program and the kernel.
 *
 * One thread, edge-triggered epoll. Every byte that a client sends asks for the file, whole; it is sent by sendfile until the
 * socket is full, and on when epoll says that there is room.
 *
 *   sendfile MIB                 a file of so many MiB, on a free port of 127.0.0.1
 *
 * Each MiB of the file begins with its number, as an integer of 64 bits. The file has no name while the server runs, so that nothing
 * is left of it. Prints "listening PORT" when it is ready. Ends at the end of its standard input: a parent that dies takes it along.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_EVENTS = 256, BACKLOG = 1024, MIB = 1 << 20 };

struct connection {
    int fd;
    off_t offset; /* where to go on in the file; the file's length where nothing is asked for */
};

static int file;
static off_t file_length;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void make_file(long mebibytes)
{
    char path[] = "/dev/shm/baton-bench-XXXXXX";
    char other[] = "/tmp/baton-bench-XXXXXX";
    file = mkstemp(path);
    if (file >= 0) {
        unlink(path);
    } else {
        file = mkstemp(other);
        if (file < 0)
            die("mkstemp");
        unlink(other);
    }

    static char block[MIB];
    for (int64_t number = 0; number < mebibytes; number++) {
        memcpy(block, &number, sizeof number);
        if (write(file, block, MIB) != MIB)
            die("write of the file");
    }
    file_length = (off_t)mebibytes * MIB;
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

/* False when the connection is over. */
static int serve(struct connection *connection)
{
    for (;;) {
        while (connection->offset < file_length) {
            ssize_t sent = sendfile(connection->fd, file, &connection->offset, (size_t)(file_length - connection->offset));
            if (sent < 0 && errno == EAGAIN)
                return 1;
            if (sent < 0 && errno != EINTR)
                return 0;
        }

        char request;
        ssize_t length = read(connection->fd, &request, 1);
        if (length < 0 && errno == EAGAIN)
            return 1;
        if (length == 0 || (length < 0 && errno != EINTR))
            return 0;
        if (length == 1)
            connection->offset = 0;
    }
}

static void accept_all(int epoll, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EAGAIN)
                return;
            die("accept4");
        }

        struct connection *connection = malloc(sizeof *connection);
        if (!connection)
            die("malloc");
        *connection = (struct connection) { .fd = fd, .offset = file_length };
        struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection };
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            die("epoll_ctl");
    }
}

int main(int argc, char **argv)
{
    long mebibytes = argc == 2 ? atol(argv[1]) : 0;
    if (mebibytes <= 0) {
        fprintf(stderr, "usage: %s MIB\n", argv[0]);
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);
    make_file(mebibytes);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll_create1");
    int listener = listen_on_free_port();
    struct connection listening = { .fd = listener };
    struct connection input = { .fd = STDIN_FILENO };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &listening };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        die("epoll_ctl");
    event.data.ptr = &input;
    /* A file or /dev/null cannot be watched (EPERM): then only a signal ends the server. */
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0 && errno != EPERM)
        die("epoll_ctl stdin");

    struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, MAX_EVENTS, -1);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait");

        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            char ignored[256];
            if (connection == &listening) {
                accept_all(epoll, listener);
            } else if (connection == &input) {
                if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
                    return 0;
            } else if (!serve(connection)) {
                close(connection->fd); /* also leaves the epoll set */
                free(connection);
            }
        }
    }
}
