#include "cpu/ask.h"
#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/lock.h"
#include "cpu/trap.h"

enum { VECTOR_GENERAL_PROTECTION = 13 };
enum { NONE, POSTED, TAKEN, ANSWERED };
#define ANSWER_NS UINT64_C(1000000000)

// In vectors.S: false where the instruction faults.
bool cpu_probe_rdmsr(uint32_t index, uint64_t *value);
bool cpu_probe_wrmsr(uint32_t index, uint64_t value);
extern char cpu_probe_rdmsr_at[], cpu_probe_wrmsr_at[], cpu_probe_failed[];

// One at a time.
static lock_t lock;
static ask_t question;
static unsigned asked;
static uint32_t state;
static trap_handler_t next_handler;

static bool on_protection(trap_frame_t *frame) {
    if (frame->rip == (uint64_t)cpu_probe_rdmsr_at || frame->rip == (uint64_t)cpu_probe_wrmsr_at) {
        frame->rip = (uint64_t)cpu_probe_failed;
        return true;
    }
    return next_handler != 0 && next_handler(frame);
}

void ask_init(void) {
    if (next_handler == 0) {
        next_handler = trap_set_handler(VECTOR_GENERAL_PROTECTION, on_protection);
    }
    state = NONE;
}

static bool change(uint32_t from, uint32_t to) {
    return __atomic_compare_exchange_n(&state, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void ask_answer(void) {
    if (__atomic_load_n(&asked, __ATOMIC_ACQUIRE) != cpus_number || !change(POSTED, TAKEN)) {
        return;
    }
    switch (question.what) {
        case ASK_CPUID:
            question.registers = cpu_cpuid(question.index, question.subleaf);
            break;
        case ASK_RDMSR:
            question.faulted = !cpu_probe_rdmsr(question.index, &question.value);
            break;
        case ASK_WRMSR:
            question.faulted = !cpu_probe_wrmsr(question.index, question.value);
            break;
    }
    change(TAKEN, ANSWERED);
}

bool ask_cpu(unsigned number, ask_t *ask) {
    lock_take(&lock);
    question = *ask;
    asked = number;
    __atomic_store_n(&state, POSTED, __ATOMIC_SEQ_CST);
    cpus_interrupt(number);
    uint64_t end = clock_ns() + ANSWER_NS;
    while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) != ANSWERED && (clock_ns() < end || !change(POSTED, NONE))) {
        cpu_pause();
    }
    bool answered = __atomic_load_n(&state, __ATOMIC_ACQUIRE) == ANSWERED;
    *ask = question;
    __atomic_store_n(&state, NONE, __ATOMIC_RELEASE);
    lock_release(&lock);
    return answered;
}
