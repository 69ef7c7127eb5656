// lwIP as port/net/ has it, with a network that this program plays, under ASan.
//
//   lwip_machine SEED STEPS
//
// Hosts on the network answer what lwIP sends and ask for more; much of it is wrong on purpose: bytes, lengths,
// sequence numbers, options, fragments. What lwIP must not do is to read or write where nothing is, to run into one
// of its own assertions, which would be a panic, or to keep memory when all is over. Memory runs out, too.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"

#include "devices/nic.h"
#include "net/net.h"

#define FAIL(...) (fprintf(stderr, "step %u: ", step), fprintf(stderr, __VA_ARGS__), abort())

static unsigned step;
static uint64_t random_state;

static uint32_t pick(uint32_t end) {
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (random_state >> 33) % end;
}

// ---- The kernel around it

static uint64_t now = 1000000000;
static size_t bytes, blocks, bytes_most = 4 << 20;
static bool link_up = true;

uint64_t clock_ns(void) {
    return now;
}

bool random_fill(void *buf, size_t size) {
    for (size_t i = 0; i < size; ++i) {
        ((uint8_t *)buf)[i] = pick(256);
    }
    return true;
}

void panic(const char *message) {
    FAIL("%s\n", message);
}

void *net_malloc(size_t size) {
    if (bytes + size > bytes_most) {
        return NULL;
    }
    void *memory = malloc(size);
    bytes += malloc_usable_size(memory);
    ++blocks;
    return memory;
}

void *net_calloc(size_t count, size_t size) {
    void *memory = net_malloc(count * size);
    return memory == NULL ? NULL : memset(memory, 0, count * size);
}

void net_free(void *memory) {
    if (memory != NULL) {
        bytes -= malloc_usable_size(memory);
        --blocks;
        free(memory);
    }
}

void net_memory_reset(void) {
}

// Nothing is reset here.
__asm__ (".bss\n.globl lwip_bss_start, lwip_bss_end\nlwip_bss_start:\nlwip_bss_end:\n.text\n");

// ---- The interface

enum { ETHERNET = 14, LAST = 16 };

static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
static uint8_t *waiting[64]; // frames for lwIP, each in a block of its own
static size_t sizes[64];
static unsigned waiting_count;
static uint8_t last[LAST][NIC_FRAME_MAX]; // that lwIP has sent
static unsigned last_size[LAST], last_count;
static void saw(const uint8_t *frame, size_t size);

bool nic_is(uint64_t number) {
    return number == 0;
}

const uint8_t *nic_mac(unsigned number) {
    (void)number;
    return mac;
}

bool nic_link(unsigned number) {
    (void)number;
    return link_up;
}

void nic_set_waker(void (*waker)(void)) {
    (void)waker;
}

const uint8_t *nic_peek(unsigned number, size_t *size) {
    (void)number;
    *size = sizes[0];
    return waiting_count == 0 ? NULL : waiting[0];
}

void nic_done(unsigned number) {
    (void)number;
    free(waiting[0]);
    --waiting_count;
    memmove(waiting, waiting + 1, waiting_count * sizeof(*waiting));
    memmove(sizes, sizes + 1, waiting_count * sizeof(*sizes));
}

bool nic_send(unsigned number, const nic_part_t *parts, unsigned count) {
    (void)number;
    static uint8_t frame[NIC_FRAME_MAX];
    size_t size = 0;
    for (unsigned i = 0; i < count; ++i) {
        if (size + parts[i].size > NIC_FRAME_MAX) {
            FAIL("a frame of more than %u bytes\n", NIC_FRAME_MAX);
        }
        memcpy(frame + size, parts[i].buf, parts[i].size);
        size += parts[i].size;
    }
    if (size < NIC_FRAME_MIN) {
        FAIL("a frame of %u bytes\n", (unsigned)size);
    }
    if (!link_up || pick(50) == 0) {
        now += 1000000;
        return false;
    }
    saw(frame, size);
    return true;
}

// ---- What lwIP has said, for answers that fit

typedef struct {
    bool six;
    uint8_t peer[16];
    uint16_t peer_port, port;
    uint32_t seq, ack; // what it sends next, and what it waits for
} stream_t;

static stream_t streams[32];
static unsigned streams_count;
static uint8_t dhcp_xid[4];
static uint16_t dns_id, dns_port;
static uint8_t dns_question[300];
static unsigned dns_question_size;

static uint16_t get16(const uint8_t *at) {
    return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at) {
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, uint16_t value) {
    at[0] = value >> 8;
    at[1] = value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

static void saw_tcp(const uint8_t *tcp, size_t size, const uint8_t *peer, bool six) {
    stream_t *stream = NULL;
    for (unsigned i = 0; i < streams_count; ++i) {
        stream_t *one = &streams[i];
        if (one->six == six && one->port == get16(tcp) && one->peer_port == get16(tcp + 2)
            && memcmp(one->peer, peer, six ? 16 : 4) == 0) {
            stream = one;
        }
    }
    if (stream == NULL) {
        stream = &streams[streams_count < 32 ? streams_count++ : pick(32)];
    }
    *stream = (stream_t) { .six = six, .port = get16(tcp), .peer_port = get16(tcp + 2), .ack = get32(tcp + 8) };
    memcpy(stream->peer, peer, six ? 16 : 4);
    stream->seq = get32(tcp + 4) + size - (tcp[12] >> 4) * 4 + !!(tcp[13] & 3);
}

static void saw(const uint8_t *frame, size_t size) {
    unsigned at = last_count++ % LAST;
    memcpy(last[at], frame, size);
    last_size[at] = size;
    const uint8_t *ip = frame + ETHERNET;
    if (get16(frame + 12) == 0x0800) {
        const uint8_t *next = ip + (ip[0] & 15) * 4;
        if (get16(ip + 6) & 0x3fff) {
            return;
        }
        if (ip[9] == 6) {
            saw_tcp(next, get16(ip + 2) - 20, ip + 16, false);
        } else if (ip[9] == 17 && get16(next + 2) == 67) {
            memcpy(dhcp_xid, next + 12, 4);
        } else if (ip[9] == 17 && get16(next + 2) == 53) {
            dns_port = get16(next);
            dns_id = get16(next + 8);
            dns_question_size = get16(next + 4) - 20;
            dns_question_size = dns_question_size < 300 ? dns_question_size : 300;
            memcpy(dns_question, next + 20, dns_question_size);
        }
    } else if (get16(frame + 12) == 0x86dd && ip[6] == 6) {
        saw_tcp(ip + 40, get16(ip + 4), ip + 24, true);
    }
}

// ---- What the network says

static uint8_t frame[4096];
static unsigned size;

static uint8_t *grow(unsigned n) {
    uint8_t *at = frame + size;
    memset(at, 0, n);
    size += n;
    return at;
}

static void junk(unsigned n) {
    uint8_t *at = grow(n);
    for (unsigned i = 0; i < n; ++i) {
        at[i] = pick(256);
    }
}

static uint32_t checksum_of(const uint8_t *at, size_t n, uint32_t sum) {
    for (size_t i = 0; i + 1 < n; i += 2) {
        sum += get16(at + i);
    }
    sum += n % 2 ? at[n - 1] << 8 : 0;
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

// Lengths and checksums as they should be, as far as there is room for them.
static void mend(bool lengths) {
    uint8_t *ip = frame + ETHERNET, *next, *addrs;
    unsigned kind, addrs_size, have;
    if (get16(frame + 12) == 0x0800 && size >= ETHERNET + 20) {
        unsigned header = (ip[0] & 15) * 4;
        if (lengths) {
            put16(ip + 2, size - ETHERNET);
        }
        if (header < 20 || header > size - ETHERNET) {
            return;
        }
        put16(ip + 10, 0);
        put16(ip + 10, ~checksum_of(ip, header, 0));
        next = ip + header;
        kind = ip[9];
        addrs = ip + 12;
        addrs_size = 8;
    } else if (get16(frame + 12) == 0x86dd && size >= ETHERNET + 40) {
        if (lengths) {
            put16(ip + 4, size - ETHERNET - 40);
        }
        next = ip + 40;
        kind = ip[6];
        addrs = ip + 8;
        addrs_size = 32;
        while ((kind == 0 || kind == 43 || kind == 60) && next + 8 < frame + size) {
            kind = next[0];
            next += (next[1] + 1) * 8;
        }
        if (next > frame + size) {
            return;
        }
    } else {
        return;
    }
    have = frame + size - next;
    unsigned where = kind == 6 ? 16 : kind == 17 ? 6 : kind == 1 || kind == 58 || kind == 2 ? 2 : 0;
    if (where == 0 || have < where + 2) {
        return;
    }
    if (kind == 17 && lengths) {
        put16(next + 4, have);
    }
    put16(next + where, 0);
    bool pseudo = kind != 1 && kind != 2;
    uint32_t sum = pseudo ? checksum_of(addrs, addrs_size, kind + have) : 0;
    put16(next + where, ~checksum_of(next, have, sum));
}

static void begin(uint16_t type) {
    size = 0;
    uint8_t *at = grow(ETHERNET);
    memcpy(at, mac, 6);
    if (pick(8) == 0) {
        memset(at, 0xff, 6);
    }
    memcpy(at + 6, (uint8_t[]) { 0x52, 0x54, 0, 9, 9, pick(4) }, 6);
    put16(at + 12, type);
}

static void put_addr(uint8_t *at) {
    static const uint8_t addrs[][4] = {
        { 10, 0, 2, 15 }, { 10, 0, 2, 2 }, { 10, 0, 2, 3 }, { 10, 0, 2, 4 }, { 0, 0, 0, 0 }, { 10, 0, 2, 255 },
        { 255, 255, 255, 255 }, { 224, 0, 0, 1 }, { 127, 0, 0, 1 }, { 8, 8, 8, 8 },
    };
    memcpy(at, addrs[pick(pick(2) ? 4 : 10)], 4);
}

static void begin4(uint8_t kind) {
    begin(0x0800);
    uint8_t *ip = grow(20);
    ip[0] = 0x45;
    put16(ip + 4, pick(65536));
    ip[8] = pick(20) ? 64 : pick(3);
    ip[9] = kind;
    put_addr(ip + 12);
    memcpy(ip + 12, (uint8_t[]) { 10, 0, 2, 2 + pick(3) }, pick(8) ? 4 : 0);
    put_addr(ip + 16);
    memcpy(ip + 16, (uint8_t[]) { 10, 0, 2, 15 }, pick(8) ? 4 : 0);
    if (pick(20) == 0) {
        unsigned words = 1 + pick(10);
        junk(words * 4);
        ip[0] += words;
    }
}

static void put_addr6(uint8_t *at) {
    struct netif *netif = net_find_interface(0);
    unsigned which = pick(8);
    memset(at, 0, 16);
    if (which < 5) {
        memcpy(at, netif_ip6_addr(netif, which < 3 ? 0 : pick(4))->addr, 16);
    } else if (which == 5) {
        memcpy(at, (uint8_t[16]) { 0xff, 2, [15] = 1 + pick(2) }, 16);
    } else {
        memcpy(at, (uint8_t[16]) { 0xff, 2, [11] = 1, 0xff, mac[3], mac[4], mac[5] }, 16);
    }
}

static void put_peer6(uint8_t *at) {
    memcpy(at, (uint8_t[16]) { 0xfe, 0x80, [15] = 1 + pick(4) }, 16);
    if (pick(8) == 0) {
        put_addr6(at);
    }
}

static void begin6(uint8_t kind) {
    begin(0x86dd);
    uint8_t *ip = grow(40), *place = ip + 6;
    ip[0] = 0x60;
    ip[7] = pick(8) ? 255 : pick(256);
    put_peer6(ip + 8);
    put_addr6(ip + 24);
    // A redirect behind other headers still has lwIP keep packets, up to 20 in all, so there is none.
    while (kind != 58 && pick(6) == 0 && size < 600) {
        static const uint8_t headers[] = { 0, 43, 60, 44 };
        *place = headers[pick(4)];
        unsigned words = *place == 44 ? 0 : pick(4);
        bool fragment = *place == 44;
        place = grow(8 + words * 8);
        place[1] = fragment ? 0 : words;
        if (fragment) {
            put16(place + 2, pick(4) * 8 * (1 + pick(20)) + pick(2));
            put32(place + 4, pick(4));
        } else {
            for (unsigned i = 2; i < 8 + words * 8; ++i) {
                place[i] = pick(3) ? pick(7) : pick(256);
            }
        }
    }
    *place = kind;
}

static void say_arp(void) {
    begin(0x0806);
    uint8_t *arp = grow(28);
    memcpy(arp, (uint8_t[]) { 0, 1, 8, 0, 6, 4, 0, 1 + pick(2) }, 8);
    memcpy(arp + 8, frame + 6, 6);
    put_addr(arp + 14);
    memcpy(arp + 18, mac, 6);
    put_addr(arp + 24);
}

static void quote_last(void) {
    if (last_count > 0) {
        unsigned at = pick(last_count < LAST ? last_count : LAST), n = last_size[at] - ETHERNET;
        n = pick(3) ? n : pick(n + 1);
        n = n < 1000 ? n : 1000;
        memcpy(grow(n), last[at] + ETHERNET, n);
    }
}

static void say_icmp(void) {
    static const uint8_t kinds[] = { 8, 8, 0, 3, 5, 11, 12, 13, 17 };
    begin4(1);
    uint8_t *icmp = grow(8);
    icmp[0] = kinds[pick(sizeof(kinds))];
    icmp[1] = pick(6);
    put32(icmp + 4, pick(3) ? pick(65536) : pick(UINT32_MAX));
    if (icmp[0] == 8) {
        junk(pick(2) ? pick(64) : pick(1400));
    } else {
        quote_last();
    }
}

static void say_igmp(void) {
    begin4(2);
    uint8_t *igmp = grow(8);
    igmp[0] = pick(2) ? 0x11 : 0x16;
    igmp[1] = pick(256);
    put_addr(igmp + 4);
}

static void option(uint8_t kind, unsigned n) {
    uint8_t *at = grow(2);
    at[0] = kind;
    at[1] = pick(30) ? n : pick(256);
    junk(n);
}

static void say_dhcp(void) {
    begin4(17);
    uint8_t *udp = grow(8), *dhcp = grow(236);
    put16(udp, 67);
    put16(udp + 2, 68);
    memcpy(dhcp, (uint8_t[]) { 2, 1, 6, 0 }, 4);
    memcpy(dhcp + 4, dhcp_xid, 4);
    memcpy(dhcp + 16, (uint8_t[]) { 10, 0, 2, 15 }, 4);
    if (pick(8) == 0) {
        put_addr(dhcp + 16);
    }
    memcpy(dhcp + 28, mac, 6);
    memset(dhcp + 108, 'x', pick(128));
    memcpy(grow(4), "\x63\x82\x53\x63", 4);
    static const uint8_t kinds[] = { 2, 5, 5, 6, 1 };
    memcpy(grow(3), (uint8_t[]) { 53, 1, kinds[pick(5)] }, 3);
    memcpy(grow(6), (uint8_t[]) { 54, 4, 10, 0, 2, 2 }, 6);
    if (pick(4)) {
        memcpy(grow(6), (uint8_t[]) { 1, 4, 255, 255, 255, 0 }, 6);
        memcpy(grow(6), (uint8_t[]) { 51, 4, 0, 0, pick(2) * pick(256), pick(256) }, 6);
    }
    for (unsigned n = pick(6); n > 0; --n) {
        static const uint8_t options[] = { 0, 1, 3, 6, 12, 15, 43, 51, 52, 53, 54, 58, 59, 66, 67, 119 };
        option(options[pick(sizeof(options))], pick(4) ? 4 : pick(40));
    }
    if (pick(6)) {
        *grow(1) = 255;
    }
}

static void dns_name(uint8_t *dns) {
    for (unsigned n = pick(4); n > 0; --n) {
        unsigned length = pick(12) ? 1 + pick(10) : pick(64);
        *grow(1) = length;
        memset(grow(length), 'a', length);
    }
    if (pick(2)) {
        *grow(1) = 0;
    } else {
        // To anywhere, itself too.
        unsigned here = frame + size - dns;
        put16(grow(2), 0xc000 | (pick(2) ? 12 : pick(here + 20)));
    }
}

static void say_dns(void) {
    begin4(17);
    uint8_t *ip = frame + ETHERNET, *udp = grow(8), *dns = grow(12);
    memcpy(ip + 12, (uint8_t[]) { 10, 0, 2, 3 }, 4);
    put16(udp, 53);
    put16(udp + 2, dns_port);
    put16(dns, dns_id);
    put16(dns + 2, 0x8180 | (pick(8) ? 0 : pick(16)));
    put16(dns + 4, pick(8) ? 1 : pick(4));
    put16(dns + 6, pick(8) ? 1 + pick(3) : pick(65536));
    memcpy(grow(dns_question_size), dns_question, dns_question_size);
    for (unsigned n = pick(4); n > 0; --n) {
        dns_name(dns);
        uint8_t *rest = grow(10);
        static const uint8_t kinds[] = { 1, 28, 5, 12, 33 };
        put16(rest, kinds[pick(5)]);
        put16(rest + 2, 1);
        put32(rest + 4, pick(100));
        unsigned length = pick(2) ? 4 : pick(20);
        put16(rest + 8, pick(10) ? length : pick(65536));
        junk(length);
    }
}

static void say_udp(void) {
    (pick(3) ? begin4 : begin6)(17);
    uint8_t *udp = grow(8);
    static const uint16_t ports[] = { 7, 68, 53, 5353, 546, 9 };
    put16(udp, 1024 + pick(10));
    put16(udp + 2, ports[pick(6)]);
    junk(pick(2) ? pick(60) : pick(1400));
}

static void tcp_options(uint8_t *tcp) {
    unsigned start = size;
    while (pick(2) && size - start < 32) {
        switch (pick(5)) {
            case 0:
                memcpy(grow(4), (uint8_t[]) { 2, 4, pick(8), pick(256) }, 4);
                break;
            case 1:
                memcpy(grow(3), (uint8_t[]) { 3, 3, pick(20) }, 3);
                break;
            case 2:
                memcpy(grow(2), (uint8_t[]) { 4, 2 }, 2);
                break;
            case 3:
                memcpy(grow(2), (uint8_t[]) { 8, 10 }, 2);
                junk(8);
                break;
            default:
                junk(2);
        }
    }
    *grow(1) = 0;
    while ((size - start) % 4) {
        *grow(1) = 1;
    }
    tcp[12] = (20 + size - start) / 4 << 4;
}

static void say_tcp(void) {
    stream_t *stream = streams_count > 0 && pick(5) ? &streams[pick(streams_count)] : NULL;
    (stream == NULL ? pick(4) == 0 : stream->six) ? begin6(6) : begin4(6);
    uint8_t *ip = frame + ETHERNET, *tcp = grow(20);
    tcp[12] = 0x50;
    put16(tcp + 14, pick(4) ? 65535 : pick(3000) * pick(2));
    if (stream == NULL) {
        put16(tcp, 1024 + pick(50000));
        put16(tcp + 2, pick(8) ? 80 : pick(100));
        put32(tcp + 4, pick(UINT32_MAX));
        tcp[13] = pick(8) ? 2 : pick(256);
        tcp_options(tcp);
        return;
    }
    memcpy(stream->six ? ip + 8 : ip + 12, stream->peer, stream->six ? 16 : 4);
    if (!stream->six) {
        memcpy(ip + 16, (uint8_t[]) { 10, 0, 2, 15 }, 4);
    }
    put16(tcp, stream->peer_port);
    put16(tcp + 2, stream->port);
    static const uint8_t flags[] = { 0x10, 0x10, 0x10, 0x18, 0x18, 0x11, 0x12, 0x14, 0x04, 0x02, 0x30 };
    tcp[13] = flags[pick(sizeof(flags))];
    uint32_t seq = stream->ack, ack = stream->seq;
    if (pick(3) == 0) {
        seq += pick(2) ? pick(8000) : -pick(3000);
    }
    if (pick(5) == 0) {
        ack += pick(2) ? pick(3000) : -pick(8000);
    }
    if (stream->ack == 0) {
        // It has asked for a connection.
        tcp[13] = pick(6) ? 0x12 : tcp[13];
        seq = pick(UINT32_MAX);
    }
    put32(tcp + 4, seq);
    put32(tcp + 8, ack);
    put16(tcp + 18, pick(2000));
    if (pick(4) == 0) {
        tcp_options(tcp);
    }
    if (tcp[13] & 8 || pick(4) == 0) {
        junk(pick(3) ? pick(200) : pick(1400));
    }
}

static void say_fragment(void) {
    begin4(pick(2) ? 17 : 1);
    uint8_t *ip = frame + ETHERNET;
    put16(ip + 4, pick(4));
    unsigned offset = pick(2) ? pick(6) * 64 : pick(8192);
    put16(ip + 6, (pick(3) ? 0x2000 : 0) | offset);
    junk(pick(4) ? 512 : pick(1400));
}

static void say_icmp6(void) {
    static const uint8_t kinds[] = { 128, 129, 133, 134, 134, 135, 135, 136, 136, 137, 1, 2, 3, 130, 143 };
    begin6(58);
    frame[ETHERNET + 7] = 255;
    uint8_t *icmp = grow(8);
    icmp[0] = kinds[pick(sizeof(kinds))];
    put32(icmp + 4, pick(2) ? pick(UINT32_MAX) : pick(2000));
    switch (icmp[0]) {
        case 134:
            junk(8);
            break;
        case 135:
        case 136:
            put_addr6(grow(16));
            break;
        case 137:
            put_addr6(grow(16));
            put_peer6(grow(16));
            break;
        case 1:
        case 2:
        case 3:
            quote_last();
            return;
        default:
            junk(pick(60));
            return;
    }
    for (unsigned n = pick(4); n > 0; --n) {
        static const uint8_t options[] = { 1, 2, 3, 4, 5, 25 };
        unsigned at = size;
        junk(pick(3) ? 8 : 32);
        frame[at] = options[pick(6)];
        frame[at + 1] = pick(10) ? (size - at) / 8 : pick(256);
        if (frame[at] == 3 && size - at == 32) {
            frame[at + 2] = 64;
            frame[at + 3] = 0xc0;
            memcpy(frame + at + 16, (uint8_t[16]) { 0xfd, pick(4) }, 16);
        }
    }
}

// What was sent comes back.
static void say_again(void) {
    if (last_count > 0) {
        unsigned at = pick(last_count < LAST ? last_count : LAST);
        size = 0;
        memcpy(grow(last_size[at]), last[at], last_size[at]);
        memcpy(frame, mac, 6);
    }
}

static void say_junk(void) {
    begin(pick(2) ? 0x0800 : 0x86dd);
    junk(pick(1500));
}

static void damage(void) {
    for (unsigned n = 1 + pick(4); n > 0 && size > ETHERNET; --n) {
        unsigned at = 12 + pick(size - 12);
        frame[at] = pick(2) ? frame[at] ^ 1u << pick(8) : pick(256);
    }
    if (pick(3) == 0) {
        size = ETHERNET + pick(size - ETHERNET + 1);
    }
}

static void say(void) {
    static void(*const kinds[])(void) = {
        say_arp, say_icmp, say_igmp, say_dhcp, say_dns, say_udp, say_tcp, say_tcp, say_tcp, say_tcp, say_tcp,
        say_fragment, say_icmp6, say_icmp6, say_again, say_junk,
    };
    if (waiting_count == 64) {
        return;
    }
    size = 0;
    kinds[pick(sizeof(kinds) / sizeof(*kinds))]();
    if (size < ETHERNET) {
        return;
    }
    mend(true);
    if (pick(3) == 0) {
        damage();
        if (pick(3)) {
            mend(pick(2));
        }
    }
    size = size < NIC_FRAME_MAX ? size : NIC_FRAME_MAX;
    // No larger, so that ASan sees a byte beyond it.
    waiting[waiting_count] = malloc(size);
    memcpy(waiting[waiting_count], frame, size);
    sizes[waiting_count++] = size;
}

// ---- The programs on the machine

enum { OPEN = 64 };
static struct tcp_pcb *opened[OPEN], *listener;
static bool over[OPEN];         // that one is to be closed
static uint64_t accepted, echoed;

static unsigned place_of(const struct tcp_pcb *pcb) {
    unsigned i = 0;
    while (i < OPEN && opened[i] != pcb) {
        ++i;
    }
    return i;
}

static void forget(struct tcp_pcb *pcb) {
    unsigned place = place_of(pcb);
    if (place < OPEN) {
        opened[place] = NULL;
    }
}

// `arg` is where it is in opened[].
static void on_error(void *arg, err_t error) {
    (void)error;
    *(struct tcp_pcb **)arg = NULL;
}

static void shut(struct tcp_pcb *pcb) {
    forget(pcb);
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    if (tcp_close(pcb) != ERR_OK) {
        tcp_abort(pcb);
    }
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
    (void)error;
    // Sockets are closed by programs, not in the middle of lwIP.
    bool *end = &over[(struct tcp_pcb **)arg - opened];
    if (p == NULL) {
        *end = true;
        return ERR_OK;
    }
    if (pick(10) == 0) {
        return ERR_MEM; // it comes again
    }
    for (struct pbuf *part = p; part != NULL; part = part->next) {
        if (tcp_write(pcb, part->payload, part->len, TCP_WRITE_FLAG_COPY) == ERR_OK) {
            echoed += part->len;
        }
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    tcp_output(pcb);
    *end |= pick(40) == 0;
    return ERR_OK;
}

static bool keep(struct tcp_pcb *pcb) {
    unsigned place = place_of(NULL);
    if (place == OPEN) {
        return false;
    }
    opened[place] = pcb;
    over[place] = false;
    tcp_arg(pcb, &opened[place]);
    tcp_recv(pcb, on_received);
    tcp_err(pcb, on_error);
    return true;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error) {
    (void)arg;
    if (error != ERR_OK || pcb == NULL) {
        return ERR_VAL;
    }
    ++accepted;
    if (!keep(pcb)) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error) {
    (void)arg;
    (void)error;
    return tcp_write(pcb, "hello", 5, TCP_WRITE_FLAG_COPY) == ERR_OK ? tcp_output(pcb) : ERR_OK;
}

static void on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr, u16_t port) {
    (void)arg;
    udp_sendto(pcb, p, addr, port);
    pbuf_free(p);
}

static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr) {
    (void)arg;
    (void)pcb;
    (void)addr;
    if (pick(4)) {
        return 0;
    }
    pbuf_free(p);
    return 1;
}

static void on_name(const char *name, const ip_addr_t *addr, void *arg) {
    (void)name;
    (void)addr;
    (void)arg;
}

static void act(void) {
    struct netif *netif = net_find_interface(0);
    ip_addr_t peer = IPADDR4_INIT_BYTES(10, 0, 2, 2 + pick(3));
    for (unsigned i = 0; i < OPEN; ++i) {
        if (opened[i] != NULL && over[i]) {
            shut(opened[i]);
        }
    }
    struct tcp_pcb *pcb = opened[pick(OPEN)];
    static const uint8_t data[5000] = { 0 };
    switch (pick(9)) {
        case 0:
            if ((pcb = tcp_new()) != NULL) {
                if (!keep(pcb)) {
                    tcp_abort(pcb);
                } else if (tcp_connect(pcb, &peer, 80, on_connected) != ERR_OK) {
                    forget(pcb);
                    tcp_abort(pcb);
                }
            }
            break;
        case 1:
            if (pcb != NULL) {
                shut(pcb);
            }
            break;
        case 2:
            if (pcb != NULL) {
                forget(pcb);
                tcp_arg(pcb, NULL);
                tcp_err(pcb, NULL);
                tcp_abort(pcb);
            }
            break;
        case 3:
        case 4:
            // As sockets do: nothing before there is a connection.
            if (pcb != NULL && pcb->state >= ESTABLISHED && tcp_write(pcb, data, 1 + pick(sizeof(data)), pick(2)) == ERR_OK) {
                tcp_output(pcb);
            }
            break;
        case 5: {
            char name[16];
            ip_addr_t addr;
            snprintf(name, sizeof(name), "host%u.example", pick(30));
            dns_gethostbyname_addrtype(name, &addr, on_name, NULL, pick(4));
            break;
        }
        case 6:
            if (pick(20) == 0) {
                link_up = !link_up;
            }
            break;
        case 7:
            if (pick(20) == 0) {
                pick(2) ? (void)dhcp_start(netif) : dhcp_release_and_stop(netif);
            }
            break;
        default:
            if (pick(4) == 0) {
                ip4_addr_t ours, mask, gateway;
                IP4_ADDR(&ours, 10, 0, 2, 15);
                IP4_ADDR(&mask, 255, 255, 255, 0);
                IP4_ADDR(&gateway, 10, 0, 2, 2);
                netif_set_addr(netif, &ours, &mask, &gateway);
                ip_addr_t server = IPADDR4_INIT_BYTES(10, 0, 2, 3);
                dns_setserver(0, &server);
            }
            bytes_most = pick(10) ? 4 << 20 : bytes + pick(10000);
    }
    net_acknowledge();
}

static void nothing(void) {
}

static void pass(uint64_t ms) {
    now += ms * 1000000;
    while (net_poll() && net_has_loopback()) {
    }
}

// All is closed, and time goes by until nothing of it can be left.
static void settle(void) {
    struct netif *netif = net_find_interface(0);
    bytes_most = 64 << 20;
    link_up = true;
    for (unsigned i = 0; i < OPEN; ++i) {
        if (opened[i] != NULL) {
            shut(opened[i]);
        }
    }
    dhcp_release_and_stop(netif);
    for (unsigned i = 0; i < 4000; ++i) {
        waiting_count == 0 ? (void)0 : nic_done(0);
        pass(1000);
    }
    if (tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL) {
        FAIL("connections are left, the first in state %u\n", (tcp_active_pcbs != NULL ? tcp_active_pcbs : tcp_tw_pcbs)->state);
    }
    streams_count = 0;
}

int main(int argc, char **argv) {
    random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned steps = argc > 2 ? atoi(argv[2]) : 1000, round = 0;
    size_t before = 0;
    uint64_t received = 0;
    net_start(nothing);
    struct netif *netif = net_interface(0);
    netif_set_link_up(netif);
    netif_set_up(netif);
    listener = tcp_new();
    tcp_bind(listener, IP_ANY_TYPE, 80);
    listener = tcp_listen_with_backlog(listener, 20);
    tcp_accept(listener, on_accept);
    struct udp_pcb *udp = udp_new_ip_type(IPADDR_TYPE_ANY);
    udp_bind(udp, IP_ANY_TYPE, 7);
    udp_recv(udp, on_udp, NULL);
    for (unsigned i = 0; i < 2; ++i) {
        raw_recv(raw_new_ip_type(IPADDR_TYPE_ANY, i ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP), on_raw, NULL);
    }
    dhcp_start(netif);
    for (step = 0; step < steps; ++step) {
        for (unsigned n = pick(12); n > 0; --n) {
            say();
            ++received;
        }
        if (pick(3) == 0) {
            act();
        }
        pass(pick(20) ? pick(100) : pick(5000));
        if (step % 5000 == 4999) {
            settle();
            // What waits for neighbours that are known, but not asked, lasts until others come in their places.
            netif_set_down(netif);
            // One round more than one is of the same.
            if (round++ == 0) {
                before = blocks;
            } else if (blocks > before) {
                FAIL("%u blocks of memory where there were %u\n", (unsigned)blocks, (unsigned)before);
            }
            netif_set_up(netif);
            dhcp_start(netif);
        }
    }
    printf("%u steps, %lu frames, %lu connections, %lu bytes echoed, %u blocks\n", steps, (unsigned long)received,
        (unsigned long)accepted, (unsigned long)echoed, (unsigned)before);
    return 0;
}
