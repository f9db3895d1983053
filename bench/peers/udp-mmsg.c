/*
 * The floor: what an echo of datagrams costs in C when nothing stands between the program and the kernel.
 *
 * One thread, one socket, level-triggered epoll. What is there is received by one recvmmsg and sent back to its senders by one sendmmsg.
 *
 *   udp-mmsg [--port N]      N = 0, the default, takes a free port; always on 127.0.0.1
 *
 * Prints "listening PORT" when it is ready. Prints "syscalls N requests N" on SIGUSR1, and on SIGTERM or at the
 * end of its standard input, where it also ends: a parent that dies takes it along.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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

enum { MAX_EVENTS = 16, BATCH = 64, BUFFER_SIZE = 2048, RECEIVE_BUFFER = 4 << 20, WRITE_STALL_MS = 1000 };

static char buffers[BATCH][BUFFER_SIZE];
static struct sockaddr_in senders[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

/* Every system call made while serving, the waits included; requests are datagrams. */
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

static int bind_to(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");

    int size = RECEIVE_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);

    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("bind");

    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        die("getsockname");
    printf("listening %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    /* A file or /dev/null cannot be watched (EPERM): then only a signal ends the server. */
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 && !(fd == STDIN_FILENO && errno == EPERM))
        die("epoll_ctl");
}

static void send_all(int fd, int count)
{
    int sent = 0;
    while (sent < count) {
        int more = sendmmsg(fd, messages + sent, (unsigned)(count - sent), 0);
        syscalls++;
        if (more >= 0) {
            sent += more;
        } else if (errno == EAGAIN) {
            struct pollfd writable = { .fd = fd, .events = POLLOUT };
            syscalls++;
            if (poll(&writable, 1, WRITE_STALL_MS) == 0)
                return;
        } else if (errno != EINTR) {
            die("sendmmsg");
        }
    }
}

static void echo(int fd)
{
    for (int i = 0; i < BATCH; i++) {
        vectors[i].iov_len = BUFFER_SIZE;
        messages[i].msg_hdr.msg_namelen = sizeof senders[i];
    }

    int count = recvmmsg(fd, messages, BATCH, 0, NULL);
    syscalls++;
    if (count < 0) {
        if (errno == EAGAIN || errno == EINTR)
            return;
        die("recvmmsg");
    }

    requests += (uint64_t)count;
    for (int i = 0; i < count; i++)
        vectors[i].iov_len = messages[i].msg_len;
    send_all(fd, count);
}

static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
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

    for (int i = 0; i < BATCH; i++) {
        vectors[i].iov_base = buffers[i];
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &senders[i];
    }

    int signals = block_signals();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        die("epoll_create1");
    int fd = bind_to((uint16_t)port);
    watch(epoll, fd);
    watch(epoll, signals);
    watch(epoll, STDIN_FILENO);

    struct epoll_event events[MAX_EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, MAX_EVENTS, -1);
        syscalls++;
        if (ready < 0 && errno != EINTR)
            die("epoll_wait");

        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == fd)
                echo(fd);
            else if (events[i].data.fd == signals)
                on_signal(signals);
            else
                on_stdin();
        }
    }
}
