#include <string.h>

#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/memp.h"
#include "lwip/mld6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#include "cpu/clock.h"
#include "cpu/io.h"
#include "devices/nic.h"
#include "devices/random.h"
#include "net/net.h"
#include "net/net_memory.h"
#include "panic.h"

enum {
    FRAMES_AT_ONCE = 256, // of an interface, before others have their turn
    PARTS = 16,
    SLACK = 64,           // bytes
    TIME_WAIT_MAX = 1024, // connections that are over, of which lwIP keeps any number for two minutes
    CLOSED_TICKS = 1200,  // half seconds, for how long a peer may say nothing to a FIN
};
#define NS_IN_MS UINT64_C(1000000)
// For how long a frame waits for room in a full ring: longer than it takes to send one of 256 at 1 Gbit/s.
#define SEND_NS (5 * NS_IN_MS)

// All variables of lwIP's, which kernel.ld puts together.
extern char lwip_bss_start[], lwip_bss_end[];

// lwIP's timers, of which it asserts that there is always one. It has 12, as opt.h counts them.
static struct sys_timeo timers[16], *free_timers;

static struct netif *interfaces[NICS_MAX];
static bool started, paused;
static bool offer_again; // the packet that lwIP has just had

uint32_t sys_now(void) {
    return clock_ns() / NS_IN_MS;
}

uint32_t net_random(void) {
    uint32_t number;
    random_fill(&number, sizeof(number));
    return number;
}

static uint64_t rotate(uint64_t word, unsigned bits) {
    return word << bits | word >> (64 - bits);
}

// SipHash-2-4 (Aumasson and Bernstein, 2012) of whole words.
static uint64_t hash(const uint64_t key[2], const uint64_t *words, size_t count) {
    uint64_t v0 = key[0] ^ 0x736f6d6570736575, v1 = key[1] ^ 0x646f72616e646f6d;
    uint64_t v2 = key[0] ^ 0x6c7967656e657261, v3 = key[1] ^ 0x7465646279746573;
    for (size_t i = 0; i < count + 2; ++i) {
        // Behind the words comes how many bytes they have, and then nothing, four times.
        uint64_t word = i < count ? words[i] : i == count ? (uint64_t)count * 8 << 56 : 0;
        v3 ^= word;
        v2 ^= i == count + 1 ? 0xff : 0;
        for (unsigned round = 0; round < (i == count + 1 ? 4 : 2); ++round) {
            v0 += v1;
            v1 = rotate(v1, 13) ^ v0;
            v0 = rotate(v0, 32);
            v2 += v3;
            v3 = rotate(v3, 16) ^ v2;
            v0 += v3;
            v3 = rotate(v3, 21) ^ v0;
            v2 += v1;
            v1 = rotate(v1, 17) ^ v2;
            v2 = rotate(v2, 32);
        }
        v0 ^= word;
    }
    return v0 ^ v1 ^ v2 ^ v3;
}

// RFC 6528, 3: what grows by one every 4 us, and a number that only this machine knows for each pair of places.
uint32_t net_first_number(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote, u16_t remote_port) {
    static uint64_t key[2];
    if (key[0] == 0) {
        random_fill(key, sizeof(key));
    }
    uint64_t words[2 * (sizeof(ip_addr_t) + 7) / 8 + 2] = { (uint32_t)local_port << 16 | remote_port };
    memcpy(&words[1], local, sizeof(*local));
    memcpy((char *)&words[1] + sizeof(*local), remote, sizeof(*remote));
    return clock_ns() / 4000 + hash(key, words, sizeof(words) / sizeof(*words));
}

void *net_timer_malloc(memp_t type) {
    (void)type;
    struct sys_timeo *timer = free_timers;
    if (timer != NULL) {
        free_timers = timer->next;
    }
    return timer;
}

void net_timer_free(memp_t type, void *memory) {
    (void)type;
    struct sys_timeo *timer = memory;
    timer->next = free_timers;
    free_timers = timer;
}

void net_assert_failed(const char *message) {
    static char text[128] = "lwIP: ";
    strncpy(text + 6, message, sizeof(text) - 7);
    panic(text);
}

// What lwIP asserts of segments that wait to be sent is that they are no larger than those that it would make now, so
// that size must not become less: by an option, which only belongs into what begins a connection (RFC 9293,
// 3.7.1), or where half of the largest window counts, which does not while that is nothing.
//
// And who begins a connection anew between the same ports need not wait until the last one is forgotten (RFC 9293, 3.6.1).
err_t net_check_segment(struct tcp_pcb *pcb, struct tcp_hdr *header, u16_t size, u16_t first_size, u8_t *rest) {
    enum { END = 0, NOTHING = 1, SEGMENT_SIZE = 2, UNKNOWN = 254 };
    u8_t *first = (u8_t *)(header + 1);
    bool begins = (TCPH_FLAGS(header) & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
    if (pcb->state == TIME_WAIT && begins && TCP_SEQ_GT(header->seqno, pcb->rcv_nxt)) {
        tcp_abort(pcb);
        offer_again = true;
        return ERR_ABRT;
    }
    bool agrees = pcb->state == SYN_SENT || pcb->state == LISTEN;
    if (!agrees && pcb->snd_wnd_max < 2) {
        pcb->snd_wnd_max = UINT16_MAX;
    }
    for (unsigned at = 0; !agrees && at < size;) {
        u8_t *kind = at < first_size ? &first[at] : &rest[at - first_size];
        if (*kind == END) {
            break;
        }
        if (*kind == SEGMENT_SIZE) {
            *kind = UNKNOWN;
        }
        ++at;
        if (*kind != NOTHING && at < size) {
            u8_t length = at < first_size ? first[at] : rest[at - first_size];
            if (length < 2) {
                break;
            }
            at += length - 1;
        }
    }
    return ERR_OK;
}

// What would have lwIP keep packets for a neighbour that is none, without an end: answers to nobody (RFC 4443, 2.4;
// whoever has no address yet looks for one by ICMPv6 alone), and redirects, to anywhere and by anybody.
int net_refuse_ip6(struct pbuf *p) {
    enum { NEXT = 6, SOURCE = 8, TYPE = 40 };
    static const u8_t nobody[16];
    const u8_t *header = p->payload;
    bool refused = header[NEXT] == IP6_NEXTH_ICMP6 ? header[TYPE] == ICMP6_TYPE_RD
        : memcmp(header + SOURCE, nobody, sizeof(nobody)) == 0;
    if (refused) {
        pbuf_free(p);
    }
    return refused;
}

static err_t send(struct netif *netif, struct pbuf *p) {
    unsigned nic = (uint64_t)netif->state;
    nic_part_t parts[PARTS];
    struct pbuf *whole = NULL;
    unsigned count = 0;
    if (pbuf_clen(p) > PARTS) {
        whole = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
        if (whole == NULL) {
            return ERR_MEM;
        }
        p = whole;
    }
    for (struct pbuf *part = p; part != NULL; part = part->next) {
        parts[count++] = (nic_part_t) { part->payload, part->len };
    }
    uint64_t end = 0;
    bool sent;
    while (!(sent = nic_send(nic, parts, count)) && nic_link(nic)) {
        uint64_t now = clock_ns();
        end = end == 0 ? now + SEND_NS : end;
        if (now >= end) {
            break;
        }
        cpu_pause();
    }
    if (whole != NULL) {
        pbuf_free(whole);
    }
    return sent ? ERR_OK : ERR_IF;
}

static err_t set_up(struct netif *netif) {
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->linkoutput = send;
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->mtu = 1500;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, nic_mac((uint64_t)netif->state), ETH_HWADDR_LEN);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    return ERR_OK;
}

struct netif *net_find_interface(unsigned nic) {
    return interfaces[nic];
}

struct netif *net_interface(unsigned nic) {
    if (interfaces[nic] == NULL) {
        struct netif *netif = net_calloc(1, sizeof(*netif));
        if (netif == NULL) {
            return NULL;
        }
        netif_add(netif, NULL, NULL, NULL, (void *)(uint64_t)nic, set_up, ethernet_input);
        netif_create_ip6_linklocal_address(netif, 1);
        netif_set_ip6_autoconfig_enabled(netif, 1);
        if (netif_default == NULL || netif_default->linkoutput != send) {
            netif_set_default(netif);
        }
        interfaces[nic] = netif;
    }
    return interfaces[nic];
}

void net_start(void (*wake)(void)) {
    if (!started) {
        started = true;
        free_timers = NULL;
        for (unsigned i = 0; i < sizeof(timers) / sizeof(*timers); ++i) {
            net_timer_free(MEMP_SYS_TIMEOUT, &timers[i]);
        }
        lwip_init();
        nic_set_waker(wake);
    }
}

// Without memory it is lost, as it could have been on its way.
static void offer(struct netif *netif, const uint8_t *frame, size_t size) {
    // lwIP looks at what it expects before it knows that it is there, in a short ARP packet and behind IP's options.
    struct pbuf *p = pbuf_alloc(PBUF_RAW, size + SLACK, PBUF_RAM);
    if (p != NULL) {
        memcpy(p->payload, frame, size);
        memset((char *)p->payload + size, 0, SLACK);
        pbuf_realloc(p, size);
        if (netif->input(p, netif) != ERR_OK) {
            pbuf_free(p);
        }
    }
}

static void receive(struct netif *netif, const uint8_t *frame, size_t size) {
    offer_again = false;
    offer(netif, frame, size);
    if (offer_again) {
        offer(netif, frame, size);
    }
}

static bool poll(struct netif *netif) {
    unsigned nic = (uint64_t)netif->state;
    size_t size;
    const uint8_t *frame = nic_peek(nic, &size);
    // By a cable that is in; only where none has come the device is asked.
    bool link = frame != NULL || nic_link(nic);
    if (link != !!netif_is_link_up(netif)) {
        (link ? netif_set_link_up : netif_set_link_down)(netif);
    }
    for (unsigned i = 0; i < FRAMES_AT_ONCE && frame != NULL && !paused; ++i) {
        receive(netif, frame, size);
        nic_done(nic);
        frame = nic_peek(nic, &size);
    }
    return frame != NULL || paused;
}

void net_pause(void) {
    paused = true;
}

// Connections in states that lwIP's timers do not expect. What it waits with for room in a peer's window may have
// been acknowledged meanwhile. And a peer that acknowledges parts of segments, and then makes its window smaller,
// can have it wait for ever until it may send the rest of what has been closed.
static void tidy(void) {
    for (struct tcp_pcb *next, *pcb = tcp_active_pcbs; pcb != NULL; pcb = next) {
        next = pcb->next;
        if (pcb->persist_backoff > 0 && (pcb->unacked != NULL || pcb->unsent == NULL)) {
            pcb->persist_backoff = 0;
            if (pcb->unacked != NULL && pcb->rtime < 0) {
                pcb->rtime = 0;
            }
        }
        bool closed = pcb->state == FIN_WAIT_1 || pcb->state == CLOSING || pcb->state == LAST_ACK;
        if (closed && tcp_ticks - pcb->tmr > CLOSED_TICKS) {
            tcp_abort(pcb);
        }
    }
}

static void limit_time_wait(void) {
    unsigned count = 0;
    // The newest come first.
    for (struct tcp_pcb *next, *pcb = tcp_tw_pcbs; pcb != NULL; pcb = next) {
        next = pcb->next;
        if (++count > TIME_WAIT_MAX) {
            tcp_abort(pcb);
        }
    }
}

bool net_poll(void) {
    bool more = false;
    paused = false;
    for (unsigned i = 0; i < NICS_MAX && !paused; ++i) {
        if (interfaces[i] != NULL) {
            more |= poll(interfaces[i]);
        }
    }
    netif_poll_all();
    if (sys_timeouts_sleeptime() == 0) {
        tidy();
        limit_time_wait();
        sys_check_timeouts();
    }
    return more || net_has_loopback();
}

void net_acknowledge(void) {
    for (struct tcp_pcb *next, *pcb = tcp_active_pcbs; pcb != NULL; pcb = next) {
        next = pcb->next;
        if (pcb->flags & TF_ACK_DELAY) {
            tcp_ack_now(pcb);
            tcp_output(pcb);
            tcp_clear_flags(pcb, TF_ACK_DELAY | TF_ACK_NOW);
        }
    }
}

bool net_has_loopback(void) {
    struct netif *netif;
    NETIF_FOREACH(netif) {
        if (netif->loop_first != NULL) {
            return true;
        }
    }
    return false;
}

uint64_t net_due(void) {
    uint32_t ms = sys_timeouts_sleeptime();
    // In whole ms, as lwIP has it: the same each time that this is asked.
    return ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? UINT64_MAX : (clock_ns() / NS_IN_MS + ms) * NS_IN_MS;
}

void net_reset(void) {
    memset(interfaces, 0, sizeof(interfaces));
    memset(lwip_bss_start, 0, lwip_bss_end - lwip_bss_start);
    started = false;
    net_memory_reset();
}
