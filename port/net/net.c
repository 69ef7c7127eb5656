#include <string.h>

#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
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
};
#define NS_IN_MS UINT64_C(1000000)
// For how long a frame waits for room in a full ring: longer than it takes to send one of 256 at 1 Gbit/s.
#define SEND_NS (5 * NS_IN_MS)

// All variables of lwIP's, which kernel.ld puts together.
extern char lwip_bss_start[], lwip_bss_end[];

static struct netif *interfaces[NICS_MAX];
static bool started, paused;

uint32_t sys_now(void) {
    return clock_ns() / NS_IN_MS;
}

uint32_t net_random(void) {
    uint32_t number;
    random_fill(&number, sizeof(number));
    return number;
}

void net_assert_failed(const char *message) {
    static char text[128] = "lwIP: ";
    strncpy(text + 6, message, sizeof(text) - 7);
    panic(text);
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
        lwip_init();
        nic_set_waker(wake);
    }
}

// Without memory it is lost, as it could have been on its way.
static void receive(struct netif *netif, const uint8_t *frame, size_t size) {
    struct pbuf *p = pbuf_alloc(PBUF_RAW, size, PBUF_RAM);
    if (p != NULL) {
        memcpy(p->payload, frame, size);
        if (netif->input(p, netif) != ERR_OK) {
            pbuf_free(p);
        }
    }
}

static bool poll(struct netif *netif) {
    unsigned nic = (uint64_t)netif->state;
    bool link = nic_link(nic);
    if (link != !!netif_is_link_up(netif)) {
        (link ? netif_set_link_up : netif_set_link_down)(netif);
    }
    for (unsigned i = 0; i < FRAMES_AT_ONCE; ++i) {
        size_t size;
        const uint8_t *frame = nic_peek(nic, &size);
        if (frame == NULL) {
            return false;
        }
        receive(netif, frame, size);
        nic_done(nic);
        if (paused) {
            break;
        }
    }
    return true;
}

void net_pause(void) {
    paused = true;
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
    sys_check_timeouts();
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
    return ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? UINT64_MAX : clock_ns() + ms * NS_IN_MS;
}

void net_reset(void) {
    memset(interfaces, 0, sizeof(interfaces));
    memset(lwip_bss_start, 0, lwip_bss_end - lwip_bss_start);
    started = false;
    net_memory_reset();
}
