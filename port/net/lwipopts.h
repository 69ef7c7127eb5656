// lwIP's options; lwip/opt.h explains each. lwIP runs in one context only (net.h), so it has no locks.
// Its memory is taken from frames as it is needed (net_memory.h): what the options bound is what one
// peer, or one socket, may take of it.
#ifndef RINGZERO_NET_LWIPOPTS_H
#define RINGZERO_NET_LWIPOPTS_H

#include <stddef.h>
#include <stdint.h>

#define NO_SYS                      1
#define SYS_LIGHTWEIGHT_PROT        0
#define LWIP_NETCONN                0
#define LWIP_SOCKET                 0
#define LWIP_STATS                  0
// Since 1.26 MicroPython looks at the list of what is due.
#define LWIP_TESTMODE               1

// Memory.
#define MEM_ALIGNMENT               8
#define MEM_CUSTOM_ALLOCATOR        1
#define MEM_CUSTOM_MALLOC           net_malloc
#define MEM_CUSTOM_CALLOC           net_calloc
#define MEM_CUSTOM_FREE             net_free
#define MEMP_MEM_MALLOC             1
#define PBUF_POOL_BUFSIZE           1536
void *net_malloc(size_t size);
void *net_calloc(size_t count, size_t size);
void net_free(void *memory);

// Interfaces.
#define LWIP_ARP                    1
#define LWIP_ETHERNET               1
#define LWIP_IPV4                   1
#define LWIP_IPV6                   1
#define LWIP_NETIF_HOSTNAME         1
#define LWIP_NETIF_LOOPBACK         1
#define LWIP_HAVE_LOOPIF            1
#define LWIP_LOOPBACK_MAX_PBUFS     1024
#define LWIP_CHKSUM_ALGORITHM       3
#define ARP_TABLE_SIZE              64
#define ARP_QUEUEING                1
#define ARP_QUEUE_LEN               64
#define ETHARP_SUPPORT_STATIC_ENTRIES 1
#define IP_REASS_MAX_PBUFS          128
// The header of a fragment is too short for two pointers.
#define IPV6_FRAG_COPYHEADER        1
#define MEMP_NUM_REASSDATA          16

// Addresses. A conflict is not looked for before one is used: that takes seconds (RFC 5227).
#define LWIP_DHCP                   1
#define LWIP_DHCP_CHECK_LINK_UP     1
#define LWIP_DHCP_DOES_ACD_CHECK    0
#define LWIP_DHCP_BOOTP_FILE        1
#define LWIP_IGMP                   1
#define LWIP_IPV6_MLD               1
#define LWIP_IPV6_AUTOCONFIG        1
#define LWIP_IPV6_DHCP6             1
#define LWIP_IPV6_NUM_ADDRESSES     4
#define LWIP_ND6_QUEUEING           1
#define LWIP_ND6_NUM_NEIGHBORS      32
#define LWIP_ND6_NUM_DESTINATIONS   32

// Names.
#define LWIP_DNS                    1
#define DNS_MAX_SERVERS             3
#define DNS_TABLE_SIZE              16
#define LWIP_DNS_SUPPORT_MDNS_QUERIES 1

// Sockets. The window has no scale: a pbuf counts its bytes in 16 bits.
#define LWIP_RAW                    1
#define LWIP_UDP                    1
#define LWIP_TCP                    1
#define TCP_MSS                     1460
#define TCP_WND                     (44 * TCP_MSS)
#define TCP_SND_BUF                 (44 * TCP_MSS)
#define TCP_SND_QUEUELEN            256
#define TCP_OOSEQ_MAX_BYTES         TCP_WND
#define TCP_OOSEQ_MAX_PBUFS         64
#define TCP_LISTEN_BACKLOG          1
#define LWIP_TCP_RTO_TIME           1000 // ms, RFC 6298, 2.1
#define LWIP_TCP_KEEPALIVE          1
#define LWIP_TCP_SACK_OUT           1
#define SO_REUSE                    1
#define LWIP_MULTICAST_TX_OPTIONS   1

// Nobody can guess where a connection's numbers begin (RFC 6528).
struct ip_addr;
uint32_t net_first_number(const struct ip_addr *local, uint16_t local_port, const struct ip_addr *remote, uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN net_first_number
// What lwIP takes from others on trust.
struct pbuf;
struct tcp_hdr;
struct tcp_pcb;
signed char net_check_segment(struct tcp_pcb *pcb, struct tcp_hdr *header, uint16_t size, uint16_t first_size, uint8_t *rest);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, size, first_size, rest, p) \
    ((void)(p), net_check_segment(pcb, header, size, first_size, rest))
int net_refuse_ip6(struct pbuf *p);
#define LWIP_HOOK_IP6_INPUT(p, netif) net_refuse_ip6(p)

#endif
