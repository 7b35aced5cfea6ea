/* Plays recorded requests to a broker and times the answers: one thread, one epoll.
 *
 * It knows of the remoting protocol only what an answer needs: a frame's length, whether its header is
 * JSON or ROCKETMQ, the code and the opaque. What is sent was encoded before, in Python, and comes on a
 * tape; three things are written into a frame when it is played: its opaque, a count in hexadecimal
 * where the tape says so (unique keys, the body of a message that will be timed to its consumer), and,
 * when queues are followed, the offset of a pull. So a request costs a copy and the kernel's part.
 *
 * tape:  count of frames, then of each: length, place of the opaque, 1 if that is ten digits else 0,
 *        messages, number of places of the count, those places, the frame; numbers are u32 of the machine
 * pulls: the same; each frame belongs to a queue, and its only place is where the digits of the offset are
 *
 * Prints one JSON object; latencies as [upper bound in ns, how many], see bench/generator/run.py.
 */
#define _GNU_SOURCE
#include "histogram.h"
#include "tape.h"
#include "wire.h"
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FIRST_OPAQUE = 1000000000,  /* ten digits, always */
    RING = 1 << 20,             /* requests whose time of sending is known */
    EVENTS = 256,
    CODES = 512,
};

typedef struct {
    int fd, waits_to_write;
    size_t in_length, in_size, out_length, out_sent, out_size;
    char *in, *out;
} Connection;

static int port, connections = 1, inflight = 1, idle, serve;
static double seconds = 2, warm_seconds = 0.5, rate;
static uint64_t frame_limit;
static Tape tape, pulls;
static uint64_t played, *sent_at;     /* by number of the request, modulo RING */
static uint32_t *messages_of;         /* the same */
static uint32_t pull_of[RING];        /* 1 + queue of a pull, 0: the request is no pull */
static Histogram taken, reached;      /* request to answer; due time of a message to its consumer */
static uint64_t answers, all_answers, messages, all_messages, bytes_in, refused, reads;
static uint64_t code_count[CODES];
static int epoll;

/* ---- sending */

static char *reserve(Connection *connection, size_t length) {
    size_t needed = connection->out_length + length;
    if (needed > connection->out_size)
        connection->out = must(realloc(connection->out, connection->out_size = 2 * needed));
    char *at = connection->out + connection->out_length;
    connection->out_length = needed;
    return at;
}

static void stamp(char *at, const Frame *frame) {
    uint32_t opaque = FIRST_OPAQUE + played % FIRST_OPAQUE;
    if (frame->digits) put_digits(at + frame->opaque_at, opaque);
    else put32(at + frame->opaque_at, opaque);
}

static void remember(uint64_t due, uint32_t count, uint32_t pull) {
    uint64_t slot = played++ & (RING - 1);
    sent_at[slot] = due;
    messages_of[slot] = count;
    pull_of[slot] = pull;
}

static void play(Connection *connection, uint64_t due) {
    static uint64_t turn, keys;
    const Frame *frame = &tape.frames[turn++ % tape.count];
    char *at = reserve(connection, frame->length);
    memcpy(at, frame->bytes, frame->length);
    stamp(at, frame);
    for (uint32_t i = 0; i < frame->places; i++)
        put_hex(at + frame->place[i], pulls.count ? (uint32_t)played : (uint32_t)keys++);
    remember(due, frame->messages, 0);
}

/* A pull of a JSON header whose offset, in digits, has another length than the tape's. */
static void pull(Connection *connection, uint32_t queue, uint64_t offset) {
    const Frame *frame = &pulls.frames[queue];
    uint32_t begin = frame->place[0], end = begin;
    while (frame->bytes[end] >= '0' && frame->bytes[end] <= '9') end++;
    char digits[24];
    int length = sprintf(digits, "%llu", (unsigned long long)offset), grown = length - (int)(end - begin);
    char *at = reserve(connection, frame->length + grown);
    memcpy(at, frame->bytes, begin);
    memcpy(at + begin, digits, length);
    memcpy(at + begin + length, frame->bytes + end, frame->length - end);
    put32(at, get32(frame->bytes) + grown);
    put32(at + 4, get32(frame->bytes + 4) + grown);
    Frame moved = *frame;
    if (moved.opaque_at > begin) moved.opaque_at += grown;
    stamp(at, &moved);
    remember(now_ns(), 0, queue + 1);
}

static void watch(Connection *connection, int how, uint32_t what) {
    struct epoll_event event = {.events = what, .data.ptr = connection};
    if (epoll_ctl(epoll, how, connection->fd, &event)) fail("epoll_ctl");
}

static void flush(Connection *connection) {
    while (connection->out_sent < connection->out_length) {
        size_t left = connection->out_length - connection->out_sent;
        ssize_t count = send(connection->fd, connection->out + connection->out_sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) fail("send");
        connection->out_sent += count;
    }
    int waits = connection->out_sent < connection->out_length;
    if (!waits) connection->out_sent = connection->out_length = 0;
    if (waits != connection->waits_to_write) watch(connection, EPOLL_CTL_MOD, EPOLLIN | (waits ? EPOLLOUT : 0));
    connection->waits_to_write = waits;
}

/* ---- answers */

static uint32_t count_records(const char *body, const char *end, uint64_t now) {
    uint32_t count = 0;
    for (; body + 92 < end; count++) {
        uint32_t size = get32(body), body_length = get32(body + 84);
        if (size < 92 || size > (size_t)(end - body)) fail("a record that is none");
        if (pulls.count && body_length >= 8) note(&reached, now - sent_at[get_hex(body + 88) & (RING - 1)]);
        body += size;
    }
    return count;
}

/* `at` is behind the frame's length. */
static void take(Connection *connection, const char *at, size_t length, uint64_t now) {
    uint32_t mark = get32(at), header_length = mark & 0xffffff;
    const char *header = at + 4, *body = header + header_length, *end = at + length;
    uint64_t code, opaque;
    if (mark >> 24) {
        code = (unsigned char)header[0] << 8 | (unsigned char)header[1];
        opaque = get32(header + 5);
    } else {
        code = number_after(header, header_length, "\"code\":");
        opaque = number_after(header, header_length, "\"opaque\":");
    }
    if (opaque < FIRST_OPAQUE || opaque > UINT32_MAX) return;  /* a request of the broker's own */
    uint64_t slot = (opaque - FIRST_OPAQUE) & (RING - 1);
    if (pull_of[slot]) {
        uint64_t next = number_after(header, header_length, "\"nextBeginOffset\":");
        if (next == UINT64_MAX) fail("an answer to a pull without an offset");
        if (code == 0) count_records(body, end, now);
        pull(connection, pull_of[slot] - 1, next);
        return;
    }
    note(&taken, now - sent_at[slot]);
    answers++, all_answers++, bytes_in += length;
    if (code != 0) {
        refused++, code_count[code < CODES ? code : CODES - 1]++;
        return;
    }
    uint32_t count = messages_of[slot] ? messages_of[slot] : count_records(body, end, now);
    messages += count, all_messages += count;
}

/* Take what has come in; give the number of answers to what was played. */
static uint32_t receive(Connection *connection) {
    if (connection->in_size - connection->in_length < 65536)
        connection->in = must(realloc(connection->in, connection->in_size = 2 * connection->in_size + 262144));
    ssize_t count = recv(connection->fd, connection->in + connection->in_length,
                         connection->in_size - connection->in_length, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count < 0) fail("recv");
    if (count == 0) {
        fprintf(stderr, "generator: the server closed a connection\n");
        exit(1);
    }
    reads++;
    connection->in_length += count;
    uint64_t now = now_ns(), before = all_answers;
    size_t at = 0;
    while (connection->in_length - at >= 4 && connection->in_length - at - 4 >= get32(connection->in + at)) {
        size_t length = get32(connection->in + at);
        take(connection, connection->in + at + 4, length, now);
        at += 4 + length;
    }
    connection->in_length -= at;
    memmove(connection->in, connection->in + at, connection->in_length);
    return all_answers - before;
}

/* ---- connections */

static int open_socket(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0 || connect(fd, (void *)&address, sizeof address)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void open_connection(Connection *connection) {
    connection->fd = open_socket();
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
}

static void raise_file_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- an echo, the floor under all brokers: a SEND_MESSAGE's answer to each frame, one send per read */

static const char ECHO[] = "{\"code\":0,\"extFields\":{\"queueId\":\"1\",\"msgId\":\"7F00000100002A9F0000000000000000\","
    "\"queueOffset\":\"12345\"},\"flag\":1,\"language\":\"C\",\"opaque\":%10u,\"serializeTypeCurrentRPC\":\"JSON\",\"version\":513}";

static void echo(Connection *connection) {
    ssize_t count = recv(connection->fd, connection->in + connection->in_length,
                         connection->in_size - connection->in_length, MSG_DONTWAIT);
    if (count <= 0) {
        close(connection->fd);
        return;
    }
    connection->in_length += count;
    size_t at = 0;
    while (connection->in_length - at >= 4 && connection->in_length - at - 4 >= get32(connection->in + at)) {
        const char *frame = connection->in + at;
        uint32_t mark = get32(frame + 4);
        uint64_t opaque = mark >> 24 ? get32(frame + 13) : number_after(frame + 8, mark & 0xffffff, "\"opaque\":");
        char *out = reserve(connection, 8 + sizeof ECHO - 5 + 10);  /* less "%10u" and the 0 */
        char text[sizeof ECHO + 16];
        int length = sprintf(text, ECHO, (uint32_t)opaque);
        put32(out, 4 + length);
        put32(out + 4, length);
        memcpy(out + 8, text, length);
        at += 4 + get32(frame);
    }
    connection->in_length -= at;
    memmove(connection->in, connection->in + at, connection->in_length);
    flush(connection);
}

static void serve_echo(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&address, size) || listen(listener, 1024)) fail("listen");
    getsockname(listener, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    Connection door = {.fd = listener};
    watch(&door, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            Connection *connection = events[i].data.ptr;
            if (connection != &door) {
                echo(connection);
                continue;
            }
            connection = must(calloc(1, sizeof *connection));
            connection->in = must(malloc(connection->in_size = 1 << 20));
            connection->fd = accept(listener, 0, 0);
            setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            watch(connection, EPOLL_CTL_ADD, EPOLLIN);
        }
    }
}

/* ---- the run */

static void forget(void) {
    memset(&taken, 0, sizeof taken);
    memset(&reached, 0, sizeof reached);
    memset(code_count, 0, sizeof code_count);
    answers = messages = bytes_in = refused = reads = 0;
}

static int wait_for(struct epoll_event *events, uint64_t until) {
    uint64_t now = now_ns(), left = until > now ? until - now : 0;
    struct timespec span = {left / 1000000000, left % 1000000000};
    int count = epoll_pwait2(epoll, events, EVENTS, &span, 0);
    if (count < 0 && errno == ENOSYS) count = epoll_wait(epoll, events, EVENTS, left / 1000000);
    return count;
}

static void run(Connection *active) {
    uint64_t begin = now_ns(), warm = begin + warm_seconds * 1e9, end = warm + seconds * 1e9, measured = begin;
    uint64_t due = 0;
    double gap = rate > 0 ? 1e9 / rate : 0, cpu_begin = own_cpu(), cpu = cpu_begin;
    int warming = 1, turn = 0;
    for (int i = 0; !rate && i < connections; flush(&active[i++]))
        for (int k = 0; k < inflight; k++) play(&active[i], now_ns());
    for (;;) {
        struct epoll_event events[EVENTS];
        uint64_t now = now_ns();
        if (warming && now >= warm) {
            warming = 0, forget();
            measured = now, cpu = own_cpu();
        }
        if (now >= end || (frame_limit && all_answers >= frame_limit)) break;
        for (; rate && begin + due * gap <= now; due++) {
            Connection *connection = &active[turn++ % connections];
            play(connection, begin + due * gap);
            flush(connection);
        }
        int count = wait_for(events, rate ? begin + due * gap : warming ? warm : end);
        for (int i = 0; i < count; i++) {
            Connection *connection = events[i].data.ptr;
            uint32_t done = events[i].events & EPOLLIN ? receive(connection) : 0;
            if (!rate) {
                now = now_ns();
                for (; done && !(frame_limit && played >= frame_limit); done--) play(connection, now);
            }
            if (connection->out_length) flush(connection);
        }
    }
    double took = (now_ns() - measured) * 1e-9, spent = own_cpu() - cpu;
    printf("{\"seconds\":%.6f,\"answers\":%llu,\"messages\":%llu,\"bytes\":%llu,\"refused\":%llu,\"all_answers\":%llu,"
           "\"all_messages\":%llu,\"reads\":%llu,\"cpu_s\":%.6f,\"all_cpu_s\":%.6f",
           took, (unsigned long long)answers, (unsigned long long)messages, (unsigned long long)bytes_in,
           (unsigned long long)refused, (unsigned long long)all_answers, (unsigned long long)all_messages,
           (unsigned long long)reads, spent, own_cpu() - cpu_begin);
    const char *comma = "";
    printf(",\"codes\":{");
    for (int i = 0; i < CODES; i++)
        if (code_count[i]) printf("%s\"%d\":%llu", comma, i, (unsigned long long)code_count[i]), comma = ",";
    printf("}");
    print_histogram("taken_ns", &taken);
    if (pulls.count) print_histogram("reached_ns", &reached);
    printf("}\n");
}

int main(int count, char **words) {
    static const struct option options[] = {
        {"port", 1, 0, 'p'}, {"connections", 1, 0, 'c'}, {"inflight", 1, 0, 'n'}, {"idle", 1, 0, 'i'},
        {"seconds", 1, 0, 's'}, {"warm", 1, 0, 'w'}, {"rate", 1, 0, 'r'}, {"tape", 1, 0, 't'},
        {"pulls", 1, 0, 'P'}, {"limit", 1, 0, 'l'}, {"serve", 0, 0, 'S'}, {0},
    };
    for (int option; (option = getopt_long(count, words, "", options, 0)) != -1;)
        switch (option) {
            case 'p': port = atoi(optarg); break;
            case 'c': connections = atoi(optarg); break;
            case 'n': inflight = atoi(optarg); break;
            case 'i': idle = atoi(optarg); break;
            case 's': seconds = atof(optarg); break;
            case 'w': warm_seconds = atof(optarg); break;
            case 'r': rate = atof(optarg); break;
            case 't': tape = read_tape(optarg); break;
            case 'P': pulls = read_tape(optarg); break;
            case 'l': frame_limit = strtoull(optarg, 0, 10); break;
            case 'S': serve = 1; break;
            default: return 2;
        }
    prctl(PR_SET_PDEATHSIG, 15);
    raise_file_limit();
    epoll = epoll_create1(0);
    if (serve) serve_echo();
    if (!tape.count) {
        fprintf(stderr, "generator: --tape is needed\n");
        return 2;
    }
    sent_at = must(calloc(RING, sizeof *sent_at));
    messages_of = must(calloc(RING, sizeof *messages_of));
    for (int i = 0; i < idle; i++) open_socket();
    Connection *active = must(calloc(connections + 1, sizeof *active));
    for (int i = 0; i < connections; i++) open_connection(&active[i]);
    if (pulls.count) {
        Connection *follower = &active[connections];
        open_connection(follower);
        for (uint32_t i = 0; i < pulls.count; i++) pull(follower, i, strtoull(pulls.frames[i].bytes + pulls.frames[i].place[0], 0, 10));
        flush(follower);
    }
    run(active);
    return 0;
}
