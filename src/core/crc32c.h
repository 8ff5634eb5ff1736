/* SPDX-License-Identifier: MIT
 *
 * crc32c: CRC-32C (Castagnoli; RFC 3720 appendix B.4), by the processor where it can, else eight
 * bytes at a time by tables.
 */
#ifndef AGNI_CORE_CRC32C_H
#define AGNI_CORE_CRC32C_H

#include "core/base.h"

/* Of `len` bytes, going on from `crc`: 0 for the first piece. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

/* The same without the processor's help. */
uint32_t crc32c_by_table(uint32_t crc, const void *bytes, size_t len);

#endif
