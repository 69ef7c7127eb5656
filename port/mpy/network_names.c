// What else upstream's sockets ask of lwIP, made safe to leave in the middle.
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"

#include "lwip/dns.h"
#include "lwip/netif.h"
#include "mphalport.h"
#include "mpy/network.h"
#include "net/net_memory.h"

err_t network_gethostbyname(const char *name, ip_addr_t *addr, u8_t kind);
err_t network_add_ip6_address(struct netif *netif, const ip6_addr_t *addr, s8_t *index);
mp_float_t mp_hal_get_seconds(mp_obj_t object);
mp_float_t network_get_seconds(mp_obj_t object);

// A question: upstream has this on its stack, which Ctrl-C takes away while lwIP still waits for the answer.
typedef struct {
    ip_addr_t addr;
    enum { ASKED, FOUND, FAILED, GIVEN_UP } state;
} question_t;

static void on_answer(const char *name, const ip_addr_t *addr, void *arg) {
    (void)name;
    question_t *question = arg;
    if (question->state == GIVEN_UP) {
        net_free(question);
    } else if (addr == NULL) {
        question->state = FAILED;
    } else {
        question->addr = *addr;
        question->state = FOUND;
    }
}

err_t network_gethostbyname(const char *name, ip_addr_t *addr, u8_t kind) {
    question_t *question = net_calloc(1, sizeof(*question));
    if (question == NULL) {
        return ERR_MEM;
    }
    err_t status = dns_gethostbyname_addrtype(name, addr, on_answer, question, kind);
    if (status == ERR_INPROGRESS) {
        nlr_buf_t nlr;
        if (nlr_push(&nlr) != 0) {
            if (question->state == ASKED) {
                question->state = GIVEN_UP;
            } else {
                net_free(question);
            }
            nlr_raise(MP_OBJ_FROM_PTR(nlr.ret_val));
        }
        while (question->state == ASKED) {
            mp_event_wait_ms(1);
        }
        nlr_pop();
        status = question->state == FOUND ? ERR_OK : ERR_BUF;
        *addr = question->addr;
    }
    net_free(question);
    return status;
}

err_t network_add_ip6_address(struct netif *netif, const ip6_addr_t *addr, s8_t *index) {
    err_t status = netif_add_ip6_address(netif, addr, index);
    if (status != ERR_OK) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("the interface has no room for another IPv6 address"));
    }
    return status;
}

mp_float_t network_get_seconds(mp_obj_t object) {
    mp_float_t seconds = mp_hal_get_seconds(object);
    if (seconds < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("a time-out is at least 0"));
    }
    return seconds;
}
