/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that leak on purpose, so that the leak hunt (tests/system/leak-hunt.test.mjs) can show that it finds a leak
 * in each place where it looks. They are the product's own objects, linked once more with some calls led astray
 * (ld --wrap): no source of the product knows of them. Built in simulation builds only, never installed, never
 * collected into build/bin.
 */
#pragma once

#include "base/slice.h"

/* Keeps a copy in the program's memory until it ends. */
void insecure_keep(struct slice bytes);
