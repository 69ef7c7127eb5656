// What modules that hand frames to Python share with the module `frames`.
#ifndef RINGZERO_MODFRAMES_H
#define RINGZERO_MODFRAMES_H

// RuntimeError in a hard callback: it may have interrupted the allocator, or what has its frames.
void frames_refuse_interrupt(void);

#endif // RINGZERO_MODFRAMES_H
