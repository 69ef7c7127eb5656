// Garbage collections as seen by those who catch exceptions.
#ifndef RINGZERO_MPY_COLLECT_H
#define RINGZERO_MPY_COLLECT_H

#include <stdbool.h>

// For a new heap: the last collection of the old one may never have ended.
void collect_reset(void);

// Marks what registers, the stack and native code lead to.
void collect_mark_roots(void);

// Whether what an exception would be caught by lies outside of the collection that runs: it would
// never end.
bool collect_would_unwind(void);

#endif
