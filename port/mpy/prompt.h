// What is typed at the prompt and into input().
#ifndef RINGZERO_MPY_PROMPT_H
#define RINGZERO_MPY_PROMPT_H

// The next byte, as mp_hal_stdin_rx_chr() gives it, but for the marks that some terminals put around
// what is pasted. In the raw REPL every byte is the program's.
int prompt_rx_chr(void);

#endif
