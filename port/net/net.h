// The network: lwIP over the interfaces of devices/nic.h, in one context.
//
// Whoever calls lwIP, or anything here, is the interpreter of the first CPU, outside interrupts, and not while
// net_poll() runs. An interrupt only says that there is something to do.
#ifndef RINGZERO_NET_NET_H
#define RINGZERO_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/netif.h"

// Starts lwIP with its loopback interface, unless it has been. `wake` is called in an interrupt when there is
// something to do for net_poll().
void net_start(void (*wake)(void));
// Takes what has come and does what is due. True: there is more to do at once.
bool net_poll(void);
// Has net_poll() take no more until it is called again, so that its caller sees what there is now.
void net_pause(void);
// Whoever has received something has nothing to answer now: it is acknowledged, instead of with the answer.
void net_acknowledge(void);
// What has been sent to this machine itself waits for net_poll().
bool net_has_loopback(void);
// When net_poll() has something to do by itself, in ns of clock_ns().
uint64_t net_due(void);

// lwIP's interface over the device of that number, which is made the first time; NULL: no memory is left.
struct netif *net_interface(unsigned nic);
// The same if it is there already; else NULL.
struct netif *net_find_interface(unsigned nic);

// Everything is gone: the devices have been stopped, the memory is nobody's any more.
void net_reset(void);

#endif
