// SPDX-License-Identifier: Apache-2.0
// Where the attestation service's threads and processes stand, and what becomes of it when one of its signers is killed.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStack, closeStack } from './support/stack.mjs';
import { localBearer, localKey } from './support/administration.mjs';
import { fetchWith } from './support/web.mjs';

let stack;
let fetch;
const administrator = localKey();

before(async () => {
  stack = await openStack();
  await stack.startAttestation({ management: { administrators: [{ key: administrator.jwk }] } });
  fetch = fetchWith(stack.tls.ca);
});
after(async () => {
  fetch?.close();
  await closeStack(stack);
});

/** The processes of this stack's service that have the name. */
const processes = (name) => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === `${name}\n` && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(stack.folder);
  } catch {
    return false; // it has ended meanwhile
  }
}).map(Number);

const policy = async () => {
  const answer = await fetch(`${stack.urls.attestation}/policies/SgxEnclave?api-version=2022-08-01`,
    { headers: { authorization: `Bearer ${localBearer(administrator, stack.urls.attestation)}` } });
  return answer.status;
};

/** How many of the service's threads keep to a processor alone, for each processor that one does. */
function lanes() {
  const counts = {};
  for (const name of ['memfd:program', 'lazaret-parser', 'signer', 'signer-with-tee']) {
    for (const pid of processes(name)) {
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const allowed = /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))[1];
        const kind = name.replace(/-with-tee|memfd:/g, '');
        if (!/^\d+$/.test(allowed)) continue;
        counts[kind] ??= {};
        counts[kind][allowed] = (counts[kind][allowed] ?? 0) + 1;
      }
    }
  }
  return counts;
}

async function until(what, condition) {
  for (let i = 0; i < 300; i++) {
    if (await Promise.resolve().then(condition).catch(() => false)) return;
    await sleep(50);
  }
  throw new Error(`in vain: ${what}`);
}

test('one signer has the TEE, and there is one for each processor', () => {
  assert.equal(processes('signer-with-tee').length, 1);
});

test('a loop, its workers, a parser and a signer keep to each processor', (context) => {
  const { program, signer, 'lazaret-parser': parser } = lanes();
  const processors = Object.keys(signer);
  if (processors.length === 1) return context.skip('one processor, one lane');
  for (const counts of [parser, signer]) assert.deepEqual(Object.keys(counts), processors);
  for (const processor of processors.slice(0, 16)) {
    assert.equal(parser[processor], 1);
    assert.equal(signer[processor], 1);
    assert.ok(program[processor] >= 5, `${program[processor]} threads on processor ${processor}`);
  }
});

test('without another signer the service goes on', async (context) => {
  const [other] = processes('signer');
  if (other === undefined) return context.skip('one processor, one signer');
  process.kill(other, 'SIGKILL');
  await until('the signer is gone', () => !processes('signer').includes(other));
  await until('the service knows', () => readFileSync(stack.path('log', 'attestation.log'), 'utf8').includes('goes_on_without_child'));
  await sleep(100);
  for (let i = 0; i < 10; i++) assert.equal(await policy(), 200);
  assert.equal(processes('signer-with-tee').length, 1);
  assert.deepEqual(stack.unexpectedEnds, []);
});

test('without the one that has the TEE it ends in order, for whoever keeps it running to start it again', async () => {
  process.kill(processes('signer-with-tee')[0], 'SIGKILL');
  await until('the end', () => stack.unexpectedEnds.length > 0);
  assert.equal(stack.unexpectedEnds.length, 1);
  assert.match(stack.unexpectedEnds[0], /attestation: {"code":1,/);
  assert.match(stack.unexpectedEnds[0], /program\.child_ended/);
  assert.deepEqual(processes('signer'), []);
});
