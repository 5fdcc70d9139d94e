// SPDX-License-Identifier: Apache-2.0
// The running programs are kept from each other by the kernel: a user for each, closed folders, memory that nobody looks into.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { closeStack, openStack } from './support/stack.mjs';

const ROLES = ['attestation', 'gate', 'diagnosis', 'platform'];
const ALL = [...ROLES, 'redis', 'nginx'];
let stack;
before(async () => {
  stack = await openStack({ portal: true });
  await stack.start();
  await stack.ready();
});
after(() => closeStack(stack));

/** The process itself; of a launched program, not its launcher. */
function processOf(name) {
  const { pid } = stack.processes.get(name).child;
  return ROLES.includes(name) ? Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]) : pid;
}

function statusOf(pid) {
  return Object.fromEntries(readFileSync(`/proc/${pid}/status`, 'utf8').trim().split('\n').map((line) => line.split(/:\s*/, 2)));
}

/** Runs a command as one of the stack's users. */
function as(name, command, ...args) {
  const { user, group } = stack.users[name];
  return spawnSync(command, args, { uid: user, gid: group, encoding: 'latin1', cwd: '/' });
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...filesBelow(path)] : [path];
  });
}

const others = (name) => ALL.filter((other) => other !== name);
/** A reason to skip, or false. The stack is there only once tests run, so they ask themselves. */
function skipWithoutUsers(t) {
  if (!stack.users) t.skip(`all programs run as one user: ${stack.sharedUserReason}`);
  return !stack.users;
}

describe('users of their own', () => {
  test('each program runs as another user, who is not root and has no further groups', (t) => {
    if (skipWithoutUsers(t)) return;
    const seen = new Set();
    for (const name of ALL) {
      const status = statusOf(processOf(name));
      const { user, group } = stack.users[name];
      assert.deepEqual(status.Uid.split('\t').map(Number), [user, user, user, user], name);
      assert.deepEqual(status.Gid.split('\t').map(Number), [group, group, group, group], name);
      assert.equal((status.Groups ?? '').trim(), '', name);
      assert.match(status.CapEff, /^0+$/, name);
      assert.match(status.CapPrm, /^0+$/, name);
      seen.add(user);
    }
    assert.equal(seen.size, ALL.length);
    assert.ok(!seen.has(0));
  });

  test('a program\'s files are its user\'s alone', (t) => {
    if (skipWithoutUsers(t)) return;
    for (const role of ROLES) {
      const folder = stack.path('state', role);
      const files = filesBelow(folder);
      assert.ok(files.includes(join(folder, 'floor')), role);
      assert.equal(lstatSync(folder).mode & 0o777, 0o700, folder);
      for (const path of [folder, ...files]) {
        const facts = lstatSync(path);
        assert.equal(facts.uid, stack.users[role].user, path);
        if (!path.endsWith('/ready')) assert.equal(facts.mode & 0o077, 0, path);
      }
    }
  });

  test('no program reads another\'s state, the keys or the logs', (t) => {
    if (skipWithoutUsers(t)) return;
    assert.match(as('platform', 'cat', stack.path('state/platform/floor')).stderr, /^$/);
    for (const name of ALL) {
      for (const role of others(name).filter((other) => ROLES.includes(other))) {
        assert.match(as(name, 'cat', stack.path('state', role, 'floor')).stderr, /Permission denied/, `${name} reads ${role}`);
        assert.match(as(name, 'ls', stack.path('state', role)).stderr, /Permission denied/, `${name} lists ${role}`);
      }
      for (const path of ['keys/deployment.pem', 'keys/recovery.pem', 'keys/vendor.pem', 'log/platform.log', 'softtee/machine.state', 'softtee/authority.state', 'tls/server.key'])
        assert.match(as(name, 'cat', stack.path(path)).stderr, /Permission denied/, `${name} reads ${path}`);
    }
    for (const name of ALL.filter((other) => other !== 'platform'))
      assert.match(as(name, 'cat', stack.path('tls/platform.key')).stderr, /Permission denied/, name);
  });

  test('no program looks into another\'s memory', (t) => {
    if (skipWithoutUsers(t)) return;
    for (const name of ALL) {
      for (const other of others(name)) {
        for (const file of ['mem', 'maps', 'environ', 'fd/0'])
          assert.match(as(name, 'head', '-c', '1', `/proc/${processOf(other)}/${file}`).stderr, /Permission denied/, `${name} reads ${file} of ${other}`);
      }
    }
  });

  test('only the gate reaches Redis', (t) => {
    if (skipWithoutUsers(t)) return;
    const ping = (name) => as(name, 'redis-cli', '-s', stack.redisSocket, 'ping');
    assert.equal(ping('gate').stdout, 'PONG\n');
    for (const name of ['attestation', 'diagnosis', 'platform', 'nginx']) assert.match(`${ping(name).stdout}${ping(name).stderr}`, /Permission denied/, name);
  });

  test('the web server cannot change what it serves', (t) => {
    if (skipWithoutUsers(t)) return;
    assert.match(as('nginx', 'touch', join(stack.site, 'index.html')).stderr, /Permission denied/);
    assert.match(as('nginx', 'touch', join(stack.site, 'new.js')).stderr, /Permission denied/);
  });
});
