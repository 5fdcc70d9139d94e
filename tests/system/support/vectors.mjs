// SPDX-License-Identifier: Apache-2.0
// Where the shared vectors stand: beside the checkout, or where LAZARET_SHARED says. They are read in place; tests that need them are
// skipped with a line where they are absent.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const vectors = join(process.env.LAZARET_SHARED ?? resolve(import.meta.dirname, '../../../../shared'), 'vectors');

/** For a test's or a suite's options. */
export const skipWithoutVectors = existsSync(vectors) ? false : `no shared vectors at ${vectors} (LAZARET_SHARED names their folder)`;
