// Packets for raw and UDP sockets. MicroPython's hold few, before 1.27 one, and drop the rest: what they drop
// waits here until there is room.
#include <string.h>

#include "py/runtime.h"

#include "lwip/pbuf.h"
#include "lwip/raw.h"
#include "lwip/udp.h"
#include "mpy/network.h"
#include "net/net_memory.h"

void network_udp_recv(struct udp_pcb *pcb, udp_recv_fn receive, void *arg);
void network_raw_recv(struct raw_pcb *pcb, raw_recv_fn receive, void *arg);

// Of one socket.
enum { WAITING_MAX = 256 };

typedef struct packet {
    struct packet *next;
    struct pbuf *p;
    ip_addr_t addr;
    u16_t port;
} packet_t;

typedef struct socket {
    struct socket *next;
    void *pcb;
    udp_recv_fn receive_udp;
    raw_recv_fn receive_raw;
    void *arg;
    packet_t *first, *last;
    unsigned count;
} socket_t;

static socket_t *sockets;

// Whether the socket has taken it, which then keeps it: otherwise it has given up its hold on it.
static bool offer(socket_t *socket, struct pbuf *p, const ip_addr_t *addr, u16_t port) {
    pbuf_ref(p);
    if (socket->receive_udp != NULL) {
        socket->receive_udp(socket->arg, socket->pcb, p, addr, port);
    } else {
        socket->receive_raw(socket->arg, socket->pcb, p, addr);
    }
    bool taken = p->ref > 1;
    if (taken) {
        pbuf_free(p);
    }
    return taken;
}

static void receive(socket_t *socket, struct pbuf *p, const ip_addr_t *addr, u16_t port) {
    if (socket->first == NULL && offer(socket, p, addr, port)) {
        return;
    }
    packet_t *packet = socket->count < WAITING_MAX ? net_malloc(sizeof(*packet)) : NULL;
    if (packet == NULL) {
        pbuf_free(p);
        return;
    }
    *packet = (packet_t) { NULL, p, *addr, port };
    if (socket->first == NULL) {
        socket->first = packet;
    } else {
        socket->last->next = packet;
    }
    socket->last = packet;
    ++socket->count;
}

static void on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr, u16_t port) {
    (void)pcb;
    receive(arg, p, addr, port);
}

static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr) {
    (void)pcb;
    receive(arg, p, addr, 0);
    return 1;
}

static void remove_first(socket_t *socket) {
    packet_t *packet = socket->first;
    socket->first = packet->next;
    --socket->count;
    net_free(packet);
}

void network_deliver(void) {
    for (socket_t *socket = sockets; socket != NULL; socket = socket->next) {
        while (socket->first != NULL
               && offer(socket, socket->first->p, &socket->first->addr, socket->first->port)) {
            remove_first(socket);
        }
    }
}

static void forget(void *pcb) {
    socket_t **place = &sockets;
    while (*place != NULL && (*place)->pcb != pcb) {
        place = &(*place)->next;
    }
    socket_t *socket = *place;
    if (socket != NULL) {
        while (socket->first != NULL) {
            pbuf_free(socket->first->p);
            remove_first(socket);
        }
        *place = socket->next;
        net_free(socket);
    }
}

// NULL: no memory is left, and the socket gets nothing but what it can hold itself.
static socket_t *add(void *pcb, void *arg) {
    socket_t *socket = net_calloc(1, sizeof(*socket));
    if (socket != NULL) {
        socket->pcb = pcb;
        socket->arg = arg;
        socket->next = sockets;
        sockets = socket;
    }
    return socket;
}

void network_udp_recv(struct udp_pcb *pcb, udp_recv_fn receive, void *arg) {
    forget(pcb);
    socket_t *socket = receive == NULL ? NULL : add(pcb, arg);
    if (socket == NULL) {
        udp_recv(pcb, receive, arg);
    } else {
        socket->receive_udp = receive;
        udp_recv(pcb, on_udp, socket);
    }
}

void network_raw_recv(struct raw_pcb *pcb, raw_recv_fn receive, void *arg) {
    forget(pcb);
    socket_t *socket = receive == NULL ? NULL : add(pcb, arg);
    if (socket == NULL) {
        raw_recv(pcb, receive, arg);
    } else {
        socket->receive_raw = receive;
        raw_recv(pcb, on_raw, socket);
    }
}

void network_forget_datagrams(void) {
    sockets = NULL;
}
