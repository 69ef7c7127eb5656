// The network's turn: lwIP (net/net.h) runs where the interpreter looks at what is pending, in whatever it waits
// for, and in what is asked of it, on the first CPU only.
#ifndef RINGZERO_MPY_NETWORK_H
#define RINGZERO_MPY_NETWORK_H

#include <stdbool.h>

// RuntimeError on another CPU than the first, where the network lives, and in a hard callback.
void network_enter(void);
// The same, and lwIP is there from then on.
void network_start(void);
// What has been asked may have left something to do, and made room for packets that wait.
void network_exit(void);

#if RINGZERO_NET
// There are no interfaces yet; comes before any program, on each CPU.
void network_init(void);
// There is no network any more: its devices have been stopped.
void network_reset(void);
// Has lwIP do what is to be done. From anywhere in the interpreter: it does nothing where it cannot.
void network_poll(void);
// Something has come that network_poll() has not seen.
bool network_is_pending(void);
// The last network_poll() before this has done something: look before you wait.
bool network_is_fresh(void);
// The program is going to wait.
void network_idle(void);
#else
static inline void network_init(void) {
}
static inline void network_reset(void) {
}
static inline void network_poll(void) {
}
static inline bool network_is_pending(void) {
    return false;
}
static inline bool network_is_fresh(void) {
    return false;
}
static inline void network_idle(void) {
}
#endif

// Packets that wait for the socket that they are for (network_datagrams.c): hands over what can be.
void network_deliver(void);
void network_forget_datagrams(void);

#endif
