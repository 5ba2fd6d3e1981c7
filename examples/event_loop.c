/*
 * A web server on one thread: epoll, HTTP/1.1 with connections that stay open, and a session for each visitor, which is
 * never waited for. The queue's descriptor is one more in the server's set.
 *
 *   GET /            counts the visit, and tells how often the visitor was here
 *   GET /add/THING   puts one THING into the visitor's cart
 *   GET /cart        tells what is in the cart
 *
 * The visitor's id is the cookie "id"; who has none gets a new one. Usage: event_loop PORT [STORE URL]; port 0 is any free
 * one. Prints the port, and at SIGINT or SIGTERM, which end it, how many visits it has counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lovely_session.h"

enum { EVENTS = 256, REQUEST = 4096, BODY = 4096, ANSWER = BODY + 512 };

/* One client: the user data of its operations, and of its events. */
typedef struct client {
    int fd;
    bool is_gone;      /* the peer is: freed when the operation that is under way has come out */
    bool is_busy;      /* a request is being answered */
    bool is_committed; /* or will be: which of the two operations is under way */
    bool is_visit;
    bool may_have_sent; /* there may be something to receive */
    ls_txn *txn;
    uint64_t op; /* the operation that is under way */
    size_t have, used; /* bytes that have come, and of these the request that is being answered */
    size_t len, sent;  /* the answer, and how much of it is gone */
    char in[REQUEST + 1], path[128], id[64], cookie[128], body[BODY], answer[ANSWER];
} client;

static ls_queue *queue;
static ls_container *visitors;
static int set;
static unsigned long visits;
static volatile sig_atomic_t is_stopped;

static void stop(int number) {
    (void)number;
    is_stopped = 1;
}

static void die(const char *what) {
    fprintf(stderr, "event_loop: %s\n", what);
    exit(1);
}

static void watch(int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) die(strerror(errno));
}

/* The peer has gone. An operation that is under way still comes out, and needs its client until then: a commit as if nothing
 * had happened, while nobody needs what is being opened. */
static void leave(client *c) {
    if (!c->is_gone) close(c->fd);
    c->is_gone = true;
    if (c->txn != NULL && !c->is_committed) ls_queue_cancel(queue, c->op, NULL);
    if (c->txn == NULL) free(c);
}

/* Sends what there is room for; false if the client has left. */
static bool send_answer(client *c) {
    while (c->sent < c->len) {
        ssize_t sent = send(c->fd, c->answer + c->sent, c->len - c->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) return true; /* EPOLLOUT goes on */
        if (sent < 0) {
            leave(c);
            return false;
        }
        c->sent += (size_t)sent;
    }
    if (c->len > 0) {
        c->len = c->sent = 0;
        c->is_busy = false;
        memmove(c->in, c->in + c->used, c->have - c->used);
        c->have -= c->used;
    }
    return true;
}

static void finish(client *c, const char *status, const char *body) {
    ls_txn_free(c->txn);
    c->txn = NULL;
    c->sent = 0;
    c->len = (size_t)snprintf(c->answer, sizeof c->answer, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                              strlen(body), c->cookie, body);
}

static void fail(client *c, const ls_error *err) {
    if (err->status != LS_ERR_CANCELLED) fprintf(stderr, "event_loop: %s\n", err->message);
    finish(c, "503 Service Unavailable", "try again later\n");
}

/* What the request is about, with its session; begins the commit. */
static void run(client *c, ls_session *session) {
    ls_error err;
    ls_pkg *pkg = NULL;
    int64_t n = 0;
    c->is_visit = strcmp(c->path, "/") == 0;
    if (ls_session_pkg(session, c->is_visit ? "visits" : "cart", LS_NTS, &pkg, &err) < 0) {
        fail(c, &err);
        return;
    }
    /* Added, not set: whoever visits with the same id at the same time is counted too. */
    if (c->is_visit || strncmp(c->path, "/add/", 5) == 0) {
        if (ls_pkg_add(pkg, c->is_visit ? "n" : c->path + 5, LS_NTS, 1, &n, &err) < 0) {
            fail(c, &err);
            return;
        }
        snprintf(c->body, sizeof c->body, "%lld\n", (long long)n);
    } else {
        const ls_value *cart = NULL;
        char *json = NULL;
        if (ls_pkg_content(pkg, &cart, &err) < 0 || ls_value_to_json(cart, &json, NULL, &err) < 0) {
            fail(c, &err);
            return;
        }
        snprintf(c->body, sizeof c->body, "%s\n", json);
        ls_text_free(json);
    }
    c->is_committed = true;
    if (ls_txn_commit_start(c->txn, queue, (uintptr_t)c, &c->op, &err) < 0) fail(c, &err);
}

/* The path and the cookie of the request that `end` ends. */
static void parse(client *c, const char *end) {
    char *cookie = strstr(c->in, "id=");
    c->path[0] = c->id[0] = 0;
    c->used = (size_t)(end - c->in) + 4;
    sscanf(c->in, "GET %127s HTTP/1.1\r\n", c->path);
    if (cookie != NULL && cookie < end) sscanf(cookie, "id=%63[A-Za-z0-9_-]", c->id);
}

/* Begins the answer to the next request, if all of it has come. */
static void next_request(client *c) {
    ls_error err;
    ls_session *session = NULL;
    c->in[c->have] = 0;
    char *end = strstr(c->in, "\r\n\r\n");
    if (end == NULL && c->have < REQUEST) return;
    c->is_busy = true;
    c->is_committed = c->is_visit = false;
    c->cookie[0] = 0;
    if (end == NULL) {
        c->used = c->have;
        finish(c, "431 Request Header Fields Too Large", "too long\n");
        return;
    }
    parse(c, end);
    if (c->path[0] == 0) {
        finish(c, "400 Bad Request", "only GET\n");
    } else if (ls_txn_begin(&c->txn, &err) < 0) {
        fail(c, &err);
    } else if (c->id[0] != 0) {
        if (ls_session_get_start(c->txn, visitors, c->id, LS_NTS, queue, (uintptr_t)c, &c->op, &err) < 0) fail(c, &err);
    } else {
        const char *id = NULL;
        if (ls_session_create(c->txn, visitors, &session, &err) < 0 || ls_session_id(session, &id, NULL, &err) < 0) {
            fail(c, &err);
            return;
        }
        snprintf(c->cookie, sizeof c->cookie, "Set-Cookie: id=%s; HttpOnly; SameSite=Lax\r\n", id);
        run(c, session);
    }
}

/* Takes what has come and fits; false if the client has left. */
static bool receive(client *c) {
    while (c->may_have_sent && c->have < REQUEST) {
        ssize_t got = recv(c->fd, c->in + c->have, REQUEST - c->have, 0);
        if (got > 0) {
            c->have += (size_t)got;
        } else if (got < 0 && errno == EAGAIN) {
            c->may_have_sent = false;
        } else {
            leave(c);
            return false;
        }
    }
    return true;
}

/* Goes on for as long as requests can be answered at once, or until the client has left. */
static void go_on(client *c) {
    while (send_answer(c) && !c->is_busy && receive(c)) {
        next_request(c);
        if (c->len == 0) return;
    }
}

static void completed(const ls_completion *done) {
    client *c = (client *)(uintptr_t)done->user_data;
    if (done->status < 0) {
        fail(c, &done->error);
    } else if (!c->is_committed) {
        run(c, done->session);
    } else {
        visits += c->is_visit;
        finish(c, "200 OK", c->body);
    }
    if (c->is_gone && c->txn == NULL) {
        free(c);
    } else if (c->len > 0 && !c->is_gone) {
        go_on(c);
    }
}

static void drain_queue(void) {
    ls_completion done[EVENTS];
    size_t count = EVENTS;
    ls_error err;
    /* Fewer than there was room for: everything has been seen, and the descriptor will tell of more. */
    while (count == EVENTS) {
        if (ls_queue_wait(queue, done, EVENTS, &count, 0, &err) < 0) die(err.message);
        for (size_t i = 0; i < count; i++) completed(&done[i]);
    }
}

static void ready(client *c, uint32_t events) {
    if (events & ~(uint32_t)EPOLLOUT) c->may_have_sent = true;
    /* While a request is being answered the next ones wait; but a peer that has gone is noticed. */
    if (c->is_busy && !receive(c)) return;
    go_on(c);
}

static void accept_all(int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        client *c = calloc(1, sizeof *c);
        if (c == NULL) die("no memory");
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(fd, EPOLLIN | EPOLLOUT | EPOLLET, c);
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    struct sigaction action = {.sa_handler = stop};
    ls_store *store = NULL;
    ls_error err;
    if (argc < 2) die("usage: event_loop PORT [STORE URL]");
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (ls_store_open(argc > 2 ? argv[2] : "memory://event-loop", LS_NTS, NULL, &store, &err) < 0 ||
        ls_container_open(store, "visitors", LS_NTS, &visitors, &err) < 0 || ls_queue_new(&queue, &err) < 0)
        die(err.message);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    if (bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, 1024) != 0) die(strerror(errno));
    getsockname(listener, (struct sockaddr *)&address, &len);
    printf("http://127.0.0.1:%d/\n", ntohs(address.sin_port));
    fflush(stdout);

    set = epoll_create1(EPOLL_CLOEXEC);
    watch(listener, EPOLLIN, &listener);
    watch(ls_queue_fd(queue), EPOLLIN, queue);
    while (!is_stopped) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(set, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &listener) {
                accept_all(listener);
            } else if (events[i].data.ptr != queue) {
                ready(events[i].data.ptr, events[i].events);
            }
        }
        /* Once a round: what the clients started goes out together, and what is finished comes out. */
        drain_queue();
    }
    printf("%lu visits\n", visits);
    ls_queue_free(queue);
    ls_container_free(visitors);
    ls_store_free(store);
    return 0;
}
