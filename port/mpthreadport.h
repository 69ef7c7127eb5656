// What py/mpthread.h asks of a port. The thread that runs always has its state at the same place,
// in mp_state_ctx: looking there costs nothing, and a switch copies it. See mpy/thread.h.
#include <stdbool.h>

typedef struct {
    volatile bool locked;
} mp_thread_mutex_t;

extern struct _mp_state_ctx_t mp_state_ctx;

static inline struct _mp_state_thread_t *mp_thread_get_state(void) {
    return (struct _mp_state_thread_t *)&mp_state_ctx;
}

static inline void mp_thread_set_state(struct _mp_state_thread_t *state) {
    (void)state;
}
