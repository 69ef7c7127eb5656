// Put in front of extmod/modlwip.c and extmod/network_lwip.c: what they call of lwIP is refused where it must be, and
// nothing that has been given up is written to.
#include "py/mperrno.h"
#include "py/runtime.h"

#include "lwip/dns.h"
#include "lwip/igmp.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "mpy/network.h"
#include "mphalport.h"

// Of upstream's own protection, which nothing calls here.
typedef uint64_t sys_prot_t;

// These do not raise, but for Ctrl-C in the last one.
void network_udp_recv(struct udp_pcb *pcb, udp_recv_fn receive, void *arg);
void network_raw_recv(struct raw_pcb *pcb, raw_recv_fn receive, void *arg);
err_t network_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *addr, mp_uint_t port, tcp_connected_fn connected);
err_t network_gethostbyname(const char *name, ip_addr_t *addr, u8_t kind);
err_t network_add_ip6_address(struct netif *netif, const ip6_addr_t *addr, s8_t *index);
// Seconds that a time-out can be: ValueError for less than 0.
mp_float_t network_get_seconds(mp_obj_t object);

// Sockets: where they are made lwIP begins; the rest of them only the first CPU can have.
#define tcp_new() (network_start(), tcp_new())
#define udp_new() (network_start(), udp_new())
#define raw_new(protocol) (network_start(), raw_new(protocol))
// Upstream takes "" for any address of IPv6 alone.
static inline const ip_addr_t *network_any(const ip_addr_t *addr) {
    return IP_IS_V6(addr) && ip6_addr_isany(ip_2_ip6(addr)) ? IP_ANY_TYPE : addr;
}
// lwIP lists a connection that is bound twice twice, and counts ports in 16 bits.
static inline err_t network_tcp_bind(struct tcp_pcb *pcb, const ip_addr_t *addr, mp_uint_t port) {
    network_enter();
    return port > UINT16_MAX || (pcb != NULL && pcb->local_port != 0) ? ERR_VAL : tcp_bind(pcb, network_any(addr), port);
}
#define tcp_bind network_tcp_bind
#define udp_bind(pcb, addr, port) (network_enter(), (port) > UINT16_MAX ? ERR_VAL : udp_bind(pcb, network_any(addr), port))
// `backlog` is listen()'s, whose queue has as many places, and counts them in 8 bits: with fewer than two it forgets
// at its end who waits there. A queue that there is no memory for would come too late to be refused. A socket that
// listens goes on as it does.
#define tcp_listen_with_backlog_and_err(pcb, places, error) \
    ({ \
        network_enter(); \
        if ((pcb)->state == LISTEN) { \
            return mp_const_none; \
        } \
        u8_t most = MIN(backlog, UINT8_MAX); \
        backlog = MAX(most, 2); \
        m_del(struct tcp_pcb *, m_new(struct tcp_pcb *, backlog), backlog); \
        tcp_listen_with_backlog_and_err(pcb, most, error); \
    })
// Connections that no place is left for are not reset: those that wait for accept() count for lwIP, too, and
// their peers try again.
void network_tcp_accept(struct tcp_pcb *pcb, tcp_accept_fn accept);
#define tcp_accept network_tcp_accept
#undef tcp_accepted
#define tcp_accepted(listener) tcp_backlog_accepted(socket2->pcb.tcp)
#define udp_connect(pcb, addr, port) (network_enter(), (port) > UINT16_MAX ? ERR_VAL : udp_connect(pcb, addr, port))
#define udp_sendto(pcb, p, addr, port) ((port) > UINT16_MAX ? ERR_VAL : udp_sendto(pcb, p, addr, port))
#define raw_connect(pcb, addr) (network_enter(), raw_connect(pcb, addr))
#define igmp_joingroup(interface, group) (network_enter(), igmp_joingroup(interface, group))
#define igmp_leavegroup(interface, group) (network_enter(), igmp_leavegroup(interface, group))

// Who waits for accept() would be told, and take itself out of the queue that is being gone through: the next one
// would be forgotten.
static inline void network_tcp_abort(struct tcp_pcb *pcb) {
    tcp_err(pcb, NULL);
    tcp_abort(pcb);
}
#define tcp_abort network_tcp_abort
// Upstream clears these of sockets that listen, too, which have none of their own.
static inline void network_tcp_err(struct tcp_pcb *pcb, tcp_err_fn failed) {
    if (pcb->state != LISTEN) {
        tcp_err(pcb, failed);
    }
}
static inline void network_tcp_recv(struct tcp_pcb *pcb, tcp_recv_fn receive) {
    if (pcb->state != LISTEN) {
        tcp_recv(pcb, receive);
        // What came before accept() would be offered again when lwIP's timer is due, in up to 250 ms.
        if (receive != NULL && pcb->refused_data != NULL) {
            tcp_process_refused_data(pcb);
        }
    }
}
// `socket` is what setsockopt() was called for, of whatever kind: only some have these flags.
#undef tcp_set_flags
#undef tcp_clear_flags
#define network_change_flags(pcb, change) \
    do { \
        network_enter(); \
        if ((pcb) == NULL || socket->type != MOD_NETWORK_SOCK_STREAM || (pcb)->state == LISTEN) { \
            mp_raise_OSError(MP_EOPNOTSUPP); \
        } \
        (pcb)->flags = change; \
    } while (0)
#define tcp_set_flags(pcb, set) network_change_flags(pcb, (pcb)->flags | (set))
#define tcp_clear_flags(pcb, clear) network_change_flags(pcb, (pcb)->flags & ~(clear))
// What has been taken is sent later, where it cannot be now: a cable that is out is no error.
static inline err_t network_tcp_output_nagle(struct tcp_pcb *pcb) {
    tcp_output_nagle(pcb);
    return ERR_OK;
}
#undef tcp_output_nagle
#define tcp_output_nagle network_tcp_output_nagle
#define tcp_err network_tcp_err
#define tcp_recv network_tcp_recv
#define tcp_connect network_tcp_connect
#define udp_recv network_udp_recv
#define raw_recv network_raw_recv
#define mp_obj_get_float network_get_seconds
#define dns_gethostbyname_addrtype(name, addr, found, arg, kind) \
    (network_start(), (void)(found), network_gethostbyname(name, addr, kind))

#define dns_setserver(index, addr) (network_enter(), dns_setserver(index, addr))
#define dns_getserver(index) (network_enter(), dns_getserver(index))
#define netif_add_ip6_address(netif, addr, index) network_add_ip6_address(netif, addr, index)

// socket.reset() would forget what there is, and socket.callback() be in the middle of something.
#define lwip_init() mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the network begins anew at a soft reset"))
#define sys_check_timeouts() (network_enter(), network_poll())
