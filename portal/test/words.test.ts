// SPDX-License-Identifier: Apache-2.0
//
// The catalogues: the same values in each language, no text that nobody shows, no refusal without words.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { en } from '../src/words/en.js';
import { zh } from '../src/words/zh.js';

const source = fileURLToPath(new URL('../../src', import.meta.url));

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}

const code = filesIn(source).filter((path) => path.endsWith('.ts') && !path.includes('words')).map((path) => readFileSync(path, 'utf8')).join('\n');
const values = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test('each language has the same keys and values', () => {
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  for (const [key, text] of Object.entries(en)) {
    assert.deepEqual(values(zh[key as keyof typeof en]), values(text), key);
  }
});

test('every text is shown somewhere', () => {
  const prefixes = [...code.matchAll(/`((?:[\w-]+\.)+)\$\{/g)].map((match) => match[1] as string);
  const unused = Object.keys(en).filter((key) =>
    !code.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)));
  assert.deepEqual(unused, []);
});

test('every code that the trust check can give has words', () => {
  const list = readFileSync(join(source, 'trust', 'refusal.ts'), 'utf8');
  const codes = [...list.matchAll(/'(ERR_[A-Z0-9_]+)'/g)].map((match) => match[1] as string);
  const inChain = codes.filter((name) => /TOKEN|MANIFEST|STATEMENT|ROLLBACK|CONNECT|TIMEOUT|PEER|ERR_HTTP/.test(name));
  for (const name of inChain) assert.ok(`reason.${name}` in en, name);
});
