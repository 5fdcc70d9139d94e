/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether this is a build with AddressSanitizer, for the few places that must know: it takes address space as it likes,
 * and its leak checker stops the process from a clone of it and reads its maps, which a hardened process does not let
 * happen. Such a build is for tests alone.
 */
#pragma once

#if defined(__SANITIZE_ADDRESS__)
enum { UNDER_ADDRESS_SANITIZER = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { UNDER_ADDRESS_SANITIZER = 1 };
#else
enum { UNDER_ADDRESS_SANITIZER = 0 };
#endif
#else
enum { UNDER_ADDRESS_SANITIZER = 0 };
#endif
