#include "py/mpstate.h"
#include "py/runtime.h"

#include "lwip/tcp.h"

#include "cpu/cpus.h"
#include "cpu/io.h"
#include "cpu/irq.h"
#include "cpu/timer.h"
#include "devices/nic.h"
#include "frames/modframes.h"
#include "mpy/interrupt.h"
#include "mpy/network.h"
#include "net/net.h"

static timer_entry_t timer;
static volatile bool pending;
static bool started, running, fresh, may_acknowledge;

static void wake(void) {
    pending = true;
    interrupt_ask();
}

static void on_timer(timer_entry_t *timer) {
    (void)timer;
    wake();
}

void network_enter(void) {
    if (cpus_number != 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("the network is CPU 0's: use a cpus.Queue"));
    }
    frames_refuse_interrupt();
}

void network_start(void) {
    network_enter();
    if (!started) {
        timer.callback = on_timer;
        net_start(wake);
        started = true;
        wake();
    }
}

static void ask(void) {
    uint64_t state = cpu_irq_save();
    wake();
    cpu_irq_restore(state);
}

void network_exit(void) {
    network_deliver();
    if (started && net_has_loopback()) {
        ask();
    }
}

// Upstream's connect() takes a state other than that of a connection for a failure, and so must see it before the
// peer has closed it again.
static tcp_connected_fn upstream_connected;

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error) {
    net_pause();
    return upstream_connected(arg, pcb, error);
}

err_t network_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *addr, mp_uint_t port, tcp_connected_fn connected) {
    if (port > UINT16_MAX) {
        return ERR_VAL;
    }
    upstream_connected = connected;
    return tcp_connect(pcb, addr, port, on_connected);
}

static tcp_accept_fn upstream_accept;

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error) {
    err_t status = upstream_accept(arg, pcb, error);
    // Without memory for another connection there is none, and upstream takes it for well.
    if (status == ERR_OK && pcb != NULL) {
        tcp_backlog_delayed(pcb);
    }
    return status;
}

void network_tcp_accept(struct tcp_pcb *pcb, tcp_accept_fn accept) {
    upstream_accept = accept;
    tcp_accept(pcb, on_accept);
}

bool network_is_pending(void) {
    return pending;
}

void network_poll(void) {
    if (!started || running || irq_active || !(pending || net_has_loopback())) {
        return;
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        running = true;
        pending = false;
        bool more = net_poll();
        network_deliver();
        nlr_pop();
        running = false;
        if (more) {
            ask();
        }
        uint64_t due = net_due();
        if (due != timer.due || !timer.queued) {
            timer_start(&timer, due);
        }
        fresh = may_acknowledge = true;
    } else {
        running = false;
        pending = true;
        nlr_raise(MP_OBJ_FROM_PTR(nlr.ret_val));
    }
}

bool network_is_fresh(void) {
    bool is = fresh;
    fresh = false;
    return is;
}

void network_idle(void) {
    if (may_acknowledge && started && !running) {
        may_acknowledge = false;
        net_acknowledge();
        if (net_has_loopback()) {
            ask();
        }
    }
}

void network_reset(void) {
    timer_stop(&timer);
    started = running = pending = fresh = false;
    network_forget_datagrams();
    net_reset();
    nic_reset();
}
