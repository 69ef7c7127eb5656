// What of Mbed TLS is built: what upstream's ports have, and what this machine is good for.
#ifndef RINGZERO_MPY_MBEDTLS_CONFIG_PORT_H
#define RINGZERO_MPY_MBEDTLS_CONFIG_PORT_H

#include <time.h>

// Memory is the collector's, random bytes are os.urandom()'s: mpy/tls.c.
#define MICROPY_MBEDTLS_CONFIG_BARE_METAL       (1)
time_t tls_time(time_t *time);
#define MBEDTLS_PLATFORM_TIME_MACRO             tls_time
#define MBEDTLS_PLATFORM_MS_TIME_ALT
#define MBEDTLS_PLATFORM_GMTIME_R_ALT

// Instructions for AES where the CPU has them, and for long numbers.
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_AESNI_C
#define MBEDTLS_ECP_NIST_OPTIM

#define MBEDTLS_CIPHER_MODE_CTR                 // for cryptolib
#define MBEDTLS_BASE64_C
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE       // for getpeercert()

// Addresses in certificates are read by its own function, not by a C library that asks a system.
#define MBEDTLS_TEST_SW_INET_PTON

#include "extmod/mbedtls/mbedtls_config_common.h"

// Curves that nobody has asked for in years, and tables that a CPU with its own instructions does not look into.
#undef MBEDTLS_ECP_DP_SECP192R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP192K1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224R1_ENABLED
#undef MBEDTLS_ECP_DP_SECP224K1_ENABLED
#define MBEDTLS_AES_FEWER_TABLES
// hashlib has been faster than that without Mbed TLS.
#undef MBEDTLS_SHA256_SMALLER

void *tls_calloc(size_t count, size_t size);
#undef MBEDTLS_PLATFORM_STD_CALLOC
#define MBEDTLS_PLATFORM_STD_CALLOC             tls_calloc

#endif // RINGZERO_MPY_MBEDTLS_CONFIG_PORT_H
