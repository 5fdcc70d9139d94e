// SPDX-License-Identifier: Apache-2.0
//
// Compiles the tests (TypeScript, strict) and runs them all in this process: node --test test/all.test.mjs

import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const portal = new URL('../', import.meta.url);
const compiled = new URL('.test/test/', portal);

rmSync(new URL('.test/', portal), { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'], {
  cwd: fileURLToPath(portal), stdio: 'inherit',
});
for (const name of readdirSync(compiled).sort()) {
  if (name.endsWith('.test.js')) await import(new URL(name, compiled).href);
}
