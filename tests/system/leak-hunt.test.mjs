// SPDX-License-Identifier: Apache-2.0
// The leak hunt. Planted patients, passwords, sessions and pixels go through the whole story, and none of them is found in any
// place outside the programs that must know them, during the story and after it. Then the hunt proves itself: with programs that
// leak on purpose (tests/leaky) the same looks find the values in each place. Uses the product's build, because the sanitizers'
// programs may be looked into. What only root can see is skipped for others, with a line.
import { before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { Hunt, IS_ROOT, PLACES } from './support/leak/hunt.mjs';
import { ROOT } from './support/stack.mjs';

const BIN = join(ROOT, 'build/bin');
const LEAKY = join(ROOT, 'build/product/tests/leaky');
const TOLD = 20;

/** Each thing once, and not all of them. */
const told = (found) => [...new Set(found.map(({ name, form, where }) => `${name}, ${form}: ${where}`))].slice(0, TOLD);

const cannotLook = (place) => (PLACES[place].rootOnly && !IS_ROOT ? 'only root can look there' : false);

before(() => execFileSync(join(ROOT, 'scripts/build-portal'), { stdio: 'ignore' }));

describe('nothing of a patient, and no secret, is found', () => {
  let hunt;
  before(async () => {
    hunt = await new Hunt({ bin: BIN }).run();
  });
  for (const place of Object.keys(PLACES)) {
    test(`in ${place}`, { skip: cannotLook(place) }, (context) => {
      const seen = hunt.places[place];
      assert.deepEqual(told(seen.found), []);
      if (seen.absent) return context.skip(seen.absent);
      assert.ok(seen.bytes > 0, 'nothing was read');
      if (PLACES[place].mark) assert.ok(seen.marks.has(PLACES[place].mark), `the look did not see ${PLACES[place].mark}`);
      context.diagnostic(`${(seen.bytes / 1e6).toFixed(1)} MB read in ${place}`);
      for (const note of seen.notes) context.diagnostic(note);
    });
  }
  test('no packet was lost by the capture', { skip: cannotLook('traffic on loopback') }, () => assert.deepEqual(hunt.places['traffic on loopback'].notes, []));
  test('no program of ours leaves a core, and those that may are seen to', { skip: cannotLook('core dumps') }, (context) => {
    const { absent, asked, dumped } = hunt.places['core dumps'];
    if (absent) return context.skip(absent);
    assert.deepEqual([...asked].sort(), ['attestation', 'diagnosis', 'gate', 'nginx', 'platform', 'redis', 'softtee']);
    assert.deepEqual([...dumped].sort(), ['nginx', 'redis']);
  });
});

describe('the hunt proves itself: programs that leak are caught', () => {
  let hunt;
  before(async () => {
    assert.ok(existsSync(join(LEAKY, 'insecure-leaky-platform')), `${LEAKY} is missing: make build`);
    hunt = await new Hunt({ bin: BIN, leaky: LEAKY }).run();
  });
  for (const place of Object.keys(PLACES)) {
    test(`in ${place}`, { skip: cannotLook(place) }, (context) => {
      const seen = hunt.places[place];
      if (seen.absent) return context.skip(`${seen.absent}; the search of a swap area is tested on a file of its form`);
      assert.notDeepEqual(told(seen.found), []);
    });
  }
  test('by each kind of value', () => {
    const names = new Set(Object.values(hunt.places).flatMap((seen) => seen.found.map((entry) => entry.name)));
    for (const kind of [/^family name$/, /^birth date$/, /^identifier$/, /^street$/, /^note$/, /^password/, /^session/, /^pixels/, /^heat map$/, /^name in the film$/])
      assert.ok([...names].some((name) => kind.test(name)), `${kind}`);
  });
  test('in the core of each of the programs', { skip: cannotLook('core dumps') }, (context) => {
    const { absent, dumped } = hunt.places['core dumps'];
    if (absent) return context.skip(absent);
    for (const role of ['platform', 'gate', 'attestation', 'diagnosis', 'softtee']) assert.ok(dumped.has(role), role);
  });
});
