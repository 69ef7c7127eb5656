// Garbage collections as seen by those who catch exceptions.
#ifndef RINGZERO_MPY_COLLECT_H
#define RINGZERO_MPY_COLLECT_H

#include <stdbool.h>

// For a new heap: the last collection of the old one may never have ended.
void collect_reset(void);

// A collection in the middle of something, an allocation for one. Callbacks of weak references wait until
// Python may be called; gc_collect() is for where it may, and calls them at once. Until they have run no
// other collection does.
void collect_for_room(void);
void collect_owe_calls(void);   // Objects that have gone have weak references.

// Marks what registers, the stack and native code lead to.
void collect_mark_roots(void);

// Whether what an exception would be caught by lies outside of the collection that runs: it would
// never end.
bool collect_would_unwind(void);

#endif
