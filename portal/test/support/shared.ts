// SPDX-License-Identifier: Apache-2.0
//
// Test vectors stand beside the checkout (LAZARET_SHARED names another folder) and are read in place.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The file's text, or undefined where the vectors are not at hand. From portal/.test/test/support/ it is five up. */
export function shared(path: string): string | undefined {
  const folder = process.env.LAZARET_SHARED ?? fileURLToPath(new URL('../../../../../shared', import.meta.url));
  const file = join(folder, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
