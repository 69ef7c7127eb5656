// A clock for acpiexec, preloaded: time is what it is asked for, and what it sleeps. So a loop ends
// after as many turns on any host, and nothing waits. Nor does anything run beside the evaluation:
// its threads only say, in the middle of a value, that somebody was notified.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#define STEP_US (500)

static unsigned long long now_us = 1000000000;

// What it says before it has to be ended is not lost.
__attribute__((constructor)) static void by_lines(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    now_us += STEP_US;
    time->tv_sec = now_us / 1000000;
    time->tv_usec = now_us % 1000000;
    return 0;
}

unsigned int sleep(unsigned int seconds) {
    now_us += seconds * 1000000ull;
    return 0;
}

int usleep(useconds_t us) {
    now_us += us;
    return 0;
}

// The first thread is the debugger's, which evaluates what is typed. The other one reads it.
static pthread_t debugger;

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
    void *(*function)(void *), void *restrict argument) {
    static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (create) {
        return 0;
    }
    create = (__typeof__(create))dlsym(RTLD_NEXT, "pthread_create");
    int error = create(thread, attributes, function, argument);
    debugger = *thread;
    return error;
}

// Where both wait for ever, the debugger waits for the mutex of a method that failed: it is given it.
int sem_wait(sem_t *semaphore) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static sem_t *waits[2];
    static int (*wait)(sem_t *);
    if (!sem_trywait(semaphore)) {
        return 0;
    }
    int here = debugger && pthread_equal(pthread_self(), debugger);
    pthread_mutex_lock(&lock);
    wait = (__typeof__(wait))dlsym(RTLD_NEXT, "sem_wait");
    waits[here] = semaphore;
    int mine = 0, other = 1;
    sem_getvalue(semaphore, &mine);
    if (waits[!here]) {
        sem_getvalue(waits[!here], &other);
    }
    if (mine <= 0 && other <= 0) {
        sem_post(waits[1]);
    }
    pthread_mutex_unlock(&lock);
    int error = wait(semaphore);
    waits[here] = NULL;
    return error;
}
