// Included by extmod/machine_uart.c. UART(0) is COM1, which the prompt reads as well: a byte goes
// to whoever asks first. UART(1) is COM2, where there is one.
#include "py/mphal.h"
#include "py/mperrno.h"
#include "extmod/misc.h"

#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/io.h"
#include "cpu/timer.h"
#include "devices/uart.h"
#include "mpy/fault.h"
#include "mpy/interrupt.h"
#include "mpy/modmachine.h"

enum {
    RXBUF_DEFAULT = 256,
    RXBUF_MIN = 32,
    RXBUF_MAX = 65536,
    TIMEOUT_MAX = 0x7fffffff, // ms
    IRQ_RX = UART_RECEIVED,
    IRQ_BREAK = UART_BREAK,
    IRQ_RXIDLE = 4,
    // Silence of so many bits is the end of a message.
    IDLE_BITS = 40,
};

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS \
    { MP_ROM_QSTR(MP_QSTR_IRQ_RX), MP_ROM_INT(IRQ_RX) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_RXIDLE), MP_ROM_INT(IRQ_RXIDLE) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_BREAK), MP_ROM_INT(IRQ_BREAK) }, \

typedef struct _machine_uart_obj_t {
    mp_obj_base_t base;
    uart_t *uart;
    bool in_use; // between init() and deinit()
    uint32_t baudrate;
    uint8_t bits, parity, stop;
    uint32_t timeout, timeout_char; // ms
    uint32_t trigger;
    volatile uint32_t flags;
    timer_entry_t idle_timer;
    unsigned events; // that no handler has been called for yet
    timer_entry_t event_timer;
} machine_uart_obj_t;

static machine_uart_obj_t machine_uart_objs[UART_COUNT];

static mp_irq_obj_t *irq_of(machine_uart_obj_t *self) {
    return MP_STATE_PORT(machine_uart_irqs)[self - machine_uart_objs];
}

static bool is_console(const machine_uart_obj_t *self) {
    return self == &machine_uart_objs[UART_CONSOLE];
}

static void fire(machine_uart_obj_t *self, uint32_t event) {
    mp_irq_obj_t *irq = irq_of(self);
    if (irq != NULL && (self->trigger & event)) {
        self->flags = event;
        if (irq->ishard) {
            interrupt_call((void (*)(void *))mp_irq_handler, irq);
        } else {
            mp_irq_handler(irq);
        }
    }
}

// An event's time has come: false, it comes later.
static bool can_fire(timer_entry_t *timer) {
    uint64_t wait = interrupt_wait_ns();
    if (wait > 0) {
        timer_start(timer, clock_ns() + wait);
    }
    return wait == 0;
}

static void on_idle(timer_entry_t *timer) {
    if (!can_fire(timer)) {
        return;
    }
    fire((machine_uart_obj_t *)((char *)timer - offsetof(machine_uart_obj_t, idle_timer)), IRQ_RXIDLE);
}

static void fire_events(timer_entry_t *timer) {
    if (!can_fire(timer)) {
        return;
    }
    machine_uart_obj_t *self = (machine_uart_obj_t *)((char *)timer - offsetof(machine_uart_obj_t, event_timer));
    unsigned events = self->events;
    self->events = 0;
    fire(self, events & IRQ_BREAK);
    fire(self, events & IRQ_RX);
}

// In the port's interrupt, or wherever the port is looked at.
static void on_event(uart_t *uart, unsigned events) {
    machine_uart_obj_t *self = &machine_uart_objs[uart - uarts];
    if (self->trigger & IRQ_RXIDLE) {
        timer_start(&self->idle_timer, clock_ns() + IDLE_BITS * UINT64_C(1000000000) / self->baudrate);
    }
    self->events |= events;
    fire_events(&self->event_timer);
}

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    static const char *const parities[] = { "None", "1", "0" };
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(%u, baudrate=%u, bits=%u, parity=%s, stop=%u, timeout=%u, timeout_char=%u, rxbuf=%u)",
        (unsigned)(self - machine_uart_objs), self->baudrate, self->bits, parities[self->parity], self->stop,
        self->timeout, self->timeout_char, self->uart->size);
}

// A ring for all but the console, whose own is never given up.
static void set_rxbuf(machine_uart_obj_t *self, mp_int_t size) {
    uint32_t ring_size = RXBUF_MIN;
    while ((mp_int_t)ring_size < size) {
        ring_size *= 2;
    }
    if (!is_console(self) && ring_size != self->uart->size) {
        uint8_t *ring = m_new(uint8_t, ring_size);
        uart_set_ring(self->uart, ring, ring_size);
        MP_STATE_PORT(machine_uart_rings)[self - machine_uart_objs] = ring;
    }
}

#define UNSET INT64_MIN

// What is asked for, or what there was where nothing is.
static mp_int_t choose(qstr name, mp_int_t asked, mp_int_t before, mp_int_t min, mp_int_t max) {
    if (asked == UNSET) {
        return before;
    }
    if (asked < min || asked > max) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%q=%ld is not in %ld to %ld"),
            name, (long)asked, (long)min, (long)max);
    }
    return asked;
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_baudrate, ARG_bits, ARG_parity, ARG_stop, ARG_timeout, ARG_timeout_char, ARG_rxbuf };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_baudrate,     MP_ARG_INT, {.u_int = UNSET} },
        { MP_QSTR_bits,         MP_ARG_INT, {.u_int = UNSET} },
        { MP_QSTR_parity,       MP_ARG_OBJ, {.u_obj = MP_OBJ_NULL} },
        { MP_QSTR_stop,         MP_ARG_INT, {.u_int = UNSET} },
        { MP_QSTR_timeout,      MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = UNSET} },
        { MP_QSTR_timeout_char, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = UNSET} },
        { MP_QSTR_rxbuf,        MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = UNSET} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    machine_uart_obj_t next = *self;
    next.baudrate = choose(MP_QSTR_baudrate, args[ARG_baudrate].u_int, next.baudrate, 1, UART_RATE_MAX);
    next.bits = choose(MP_QSTR_bits, args[ARG_bits].u_int, next.bits, 5, 8);
    next.stop = choose(MP_QSTR_stop, args[ARG_stop].u_int, next.stop, 1, 2);
    next.timeout = choose(MP_QSTR_timeout, args[ARG_timeout].u_int, next.timeout, 0, TIMEOUT_MAX);
    next.timeout_char = choose(MP_QSTR_timeout_char, args[ARG_timeout_char].u_int, next.timeout_char, 0, TIMEOUT_MAX);
    if (args[ARG_parity].u_obj == mp_const_none) {
        next.parity = UART_PARITY_NONE;
    } else if (args[ARG_parity].u_obj != MP_OBJ_NULL) {
        next.parity = choose(MP_QSTR_parity, mp_obj_get_int(args[ARG_parity].u_obj), 0, 0, 1) != 0
            ? UART_PARITY_ODD : UART_PARITY_EVEN;
    }
    if (!uart_can(next.baudrate)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("baudrate must divide 115200, which %lu does not"),
            (unsigned long)next.baudrate);
    }
    mp_int_t rxbuf = choose(MP_QSTR_rxbuf, args[ARG_rxbuf].u_int, 0, 1, RXBUF_MAX);
    if (rxbuf > 0 || self->uart->size == 0) {
        set_rxbuf(self, rxbuf > 0 ? rxbuf : RXBUF_DEFAULT);
    }
    // A character and a bit, in whole milliseconds.
    next.timeout_char = MAX(next.timeout_char, 13000 / next.baudrate + 1);
    bool was_open = self->uart->open;
    self->baudrate = next.baudrate;
    self->bits = next.bits;
    self->parity = next.parity;
    self->stop = next.stop;
    self->timeout = next.timeout;
    self->timeout_char = next.timeout_char;
    uart_open(self->uart, self->baudrate, self->bits, self->parity, self->stop);
    if (!was_open) {
        uart_use_interrupt(self->uart);
    }
    self->uart->notify = on_event;
    self->in_use = true;
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    if (cpus_number != 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("serial ports are CPU 0's"));
    }
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 0 || id >= UART_COUNT || !uarts[id].present) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("UART(%d) doesn't exist"), (int)id);
    }
    machine_uart_obj_t *self = &machine_uart_objs[id];
    if (!self->in_use) {
        *self = (machine_uart_obj_t) {
            .base = { &machine_uart_type },
            .uart = &uarts[id],
            .baudrate = UART_RATE_MAX,
            .bits = 8,
            .parity = UART_PARITY_NONE,
            .stop = 1,
            .idle_timer = { .callback = on_idle },
            .event_timer = { .callback = fire_events },
        };
    }
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    mp_machine_uart_init_helper(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

// The console stays open, as the kernel itself opens it.
static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    if (!self->in_use) {
        return;
    }
    self->in_use = false;
    self->uart->notify = NULL;
    self->trigger = 0;
    timer_stop(&self->idle_timer);
    timer_stop(&self->event_timer);
    if (is_console(self)) {
        uart_open(self->uart, UART_RATE_MAX, 8, UART_PARITY_NONE, 1);
    } else {
        self->uart->intercept = NULL;
        uart_close(self->uart);
    }
    MP_STATE_PORT(machine_uart_irqs)[self - machine_uart_objs] = NULL;
    MP_STATE_PORT(machine_uart_rings)[self - machine_uart_objs] = NULL;
}

void machine_uart_deinit_all(void) {
    for (size_t i = 0; i < UART_COUNT; ++i) {
        mp_machine_uart_deinit(&machine_uart_objs[i]);
    }
}

static void set_intercept(mp_obj_t stream, bool (*intercept)(int byte)) {
    if (mp_obj_is_type(stream, &machine_uart_type)) {
        machine_uart_obj_t *self = MP_OBJ_TO_PTR(stream);
        if (!is_console(self)) {
            self->uart->intercept = intercept;
        }
    }
}

// os.dupterm has taken its stream away from the prompt, and put one there.
void mp_os_dupterm_stream_detached_attached(mp_obj_t stream_detached, mp_obj_t stream_attached) {
    set_intercept(stream_detached, NULL);
    set_intercept(stream_attached, mp_hal_is_interrupt_char);
}

// Where no interrupt does it.
static void service(machine_uart_obj_t *self) {
    if (!self->uart->interrupts) {
        uart_service(self->uart);
    }
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    service(self);
    return uart_available(self->uart);
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return uart_sent(self->uart);
}

static void mp_machine_uart_sendbreak(machine_uart_obj_t *self) {
    while (!uart_sent(self->uart)) {
        mp_event_handle_nowait();
    }
    uart_break(self->uart, true);
    mp_hal_delay_us(13000000 / self->baudrate + 1);
    uart_break(self->uart, false);
}

static mp_uint_t irq_trigger(mp_obj_t self_in, mp_uint_t trigger) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->trigger = trigger;
    return 0;
}

static mp_uint_t irq_info(mp_obj_t self_in, mp_uint_t info_type) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return info_type == MP_IRQ_INFO_FLAGS ? self->flags : self->trigger;
}

static const mp_irq_methods_t irq_methods = {
    .trigger = irq_trigger,
    .info = irq_info,
};

static mp_irq_obj_t *mp_machine_uart_irq(machine_uart_obj_t *self, bool any_args, mp_arg_val_t *args) {
    if (irq_of(self) == NULL) {
        MP_STATE_PORT(machine_uart_irqs)[self - machine_uart_objs] = mp_irq_new(&irq_methods, MP_OBJ_FROM_PTR(self));
    }
    mp_irq_obj_t *irq = irq_of(self);
    if (any_args) {
        mp_obj_t handler = args[MP_IRQ_ARG_INIT_handler].u_obj;
        if (handler != mp_const_none && !mp_obj_is_callable(handler)) {
            mp_raise_ValueError(MP_ERROR_TEXT("handler must be None or callable"));
        }
        mp_uint_t trigger = args[MP_IRQ_ARG_INIT_trigger].u_int;
        mp_uint_t unknown = trigger & ~(IRQ_RX | IRQ_RXIDLE | IRQ_BREAK);
        if (unknown != 0) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("trigger 0x%04x unsupported"), (unsigned)unknown);
        }
        if (trigger & IRQ_RXIDLE) {
            machine_need_timer();
        }
        if (trigger != 0 && !self->uart->interrupts && !(is_console(self) && mp_hal_has_timer())) {
            mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("this port's interrupt does not arrive"));
        }
        self->trigger = 0;
        irq->handler = handler;
        irq->ishard = args[MP_IRQ_ARG_INIT_hard].u_bool;
        self->trigger = trigger;
    }
    return irq;
}

// Until there is a byte or the time is over.
static bool wait_readable(machine_uart_obj_t *self, uint32_t timeout_ms) {
    mp_uint_t start = mp_hal_ticks_ms();
    for (;;) {
        service(self);
        if (uart_available(self->uart) > 0) {
            return true;
        }
        mp_uint_t elapsed = mp_hal_ticks_ms() - start;
        if (elapsed >= timeout_ms) {
            return false;
        }
        mp_event_wait_ms(self->uart->interrupts ? timeout_ms - elapsed : 1);
    }
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t *buf = buf_in;
    size_t count = 0;
    if (!self->uart->open) {
        *errcode = MP_EBADF;
        return MP_STREAM_ERROR;
    }
    while (count < size && wait_readable(self, count == 0 ? self->timeout : self->timeout_char)) {
        buf[count++] = uart_receive(self->uart);
    }
    if (count == 0 && size > 0) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return count;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    const uint8_t *buf = buf_in;
    if (!self->uart->open) {
        *errcode = MP_EBADF;
        return MP_STREAM_ERROR;
    }
    fault_probe(buf, size);
    for (size_t count = 0; count < size;) {
        while (!uart_writable(self->uart)) {
            mp_event_handle_nowait();
        }
        size_t part = MIN(size - count, UART_FIFO_SIZE);
        uart_send(self->uart, buf + count, part);
        count += part;
    }
    return size;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        mp_uint_t ready = self->uart->open ? 0 : MP_STREAM_POLL_NVAL;
        service(self);
        if ((arg & MP_STREAM_POLL_RD) && uart_available(self->uart) > 0) {
            ready |= MP_STREAM_POLL_RD;
        }
        if ((arg & MP_STREAM_POLL_WR) && uart_writable(self->uart)) {
            ready |= MP_STREAM_POLL_WR;
        }
        return ready;
    }
    if (request == MP_STREAM_FLUSH) {
        while (!uart_sent(self->uart)) {
            mp_event_handle_nowait();
        }
        return 0;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

MP_REGISTER_ROOT_POINTER(struct _mp_irq_obj_t *machine_uart_irqs[2]);
MP_REGISTER_ROOT_POINTER(void *machine_uart_rings[2]);
