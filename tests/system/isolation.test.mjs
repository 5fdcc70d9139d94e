// SPDX-License-Identifier: Apache-2.0
// The running programs are kept from each other, and from what they do not need, by the kernel: a user for each, closed folders,
// memory that nobody looks into, no other program, no core. These are the product's programs: those of the sanitizer build must
// let the leak checker look into them.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoAccounts, signIn } from '../../scripts/stack/accounts.mjs';
import { ROOT, SAMPLES, closeStack, openStack } from './support/stack.mjs';

const ROLES = ['attestation', 'gate', 'diagnosis', 'platform'];
const ALL = [...ROLES, 'redis', 'nginx'];
let stack;
before(async () => {
  stack = await openStack({ portal: true, bin: join(ROOT, 'build/bin') });
  await stack.start();
  await stack.ready();
});
after(() => closeStack(stack));

/** The process itself; of a launched program, not its launcher. */
function processOf(name) {
  const { pid } = stack.processes.get(name).child;
  return ROLES.includes(name) ? Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]) : pid;
}

function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' '))
    .filter(Boolean).map(Number);
}

/** A program's process and those that it has forked. */
function familyOf(name) {
  const pids = [processOf(name)];
  for (const pid of pids) pids.push(...childrenOf(pid));
  return pids;
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

  const floorOf = (role) => filesBelow(stack.path('state', role)).find((file) => file.includes('/floor-'));

  test('a program\'s files are its user\'s alone', (t) => {
    if (skipWithoutUsers(t)) return;
    for (const role of ROLES) {
      const folder = stack.path('state', role);
      const files = filesBelow(folder);
      assert.ok(files.some((file) => file.startsWith(join(folder, 'floor-'))), role);
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
    assert.match(as('platform', 'cat', floorOf('platform')).stderr, /^$/);
    for (const name of ALL) {
      for (const role of others(name).filter((other) => ROLES.includes(other))) {
        assert.match(as(name, 'cat', floorOf(role)).stderr, /Permission denied/, `${name} reads ${role}`);
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

describe('processes that give nothing away', () => {
  test('no new privileges, system calls filtered, no core: each program and all that it forks', () => {
    for (const role of ROLES) {
      const family = familyOf(role);
      assert.ok(family.length >= (['platform', 'diagnosis'].includes(role) ? 2 : 1), `${role} has its children`);
      for (const pid of family) {
        const status = statusOf(pid);
        assert.equal(status.NoNewPrivs, '1', role);
        assert.equal(status.Seccomp, '2', role);
        assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size +0 +0 /, role);
      }
      // What is forbidden to all, and the list of what a running program may do.
      assert.equal(statusOf(family[0]).Seccomp_filters, '2', role);
    }
  });

  test('nobody of the same user looks into them: the kernel gives their /proc to root', (t) => {
    if (skipWithoutUsers(t)) return;
    for (const role of ROLES) {
      for (const pid of familyOf(role)) {
        assert.equal(statSync(`/proc/${pid}/mem`).uid, 0, role);
        assert.match(as(role, 'head', '-c', '1', `/proc/${pid}/environ`).stderr, /Permission denied/, role);
        assert.match(as(role, 'ls', `/proc/${pid}/fd`).stderr, /Permission denied/, role);
      }
    }
  });

  test('each says in its log what the kernel holds', () => {
    for (const role of ROLES)
      assert.match(readFileSync(stack.path('log', `${role}.log`), 'utf8'), /"event":"program\.sandboxed","detail":"(the kernel holds system calls, files and ports|this kernel)/, role);
  });

  // What a build with sanitizers cannot show, because it is looked into or takes address space as it likes.
  for (const [program, name] of [['base/base-sandbox', 'test_processes_memory_and_tracing_are_closed'], ['base/base-nursery', 'memory_is_limited'],
    ['tee/tee-process_harden', 'test_no_core_no_tracing_no_new_privileges']])
    test(`the product's build: ${name}`, () => {
      const { status, stdout, stderr } = spawnSync(join(ROOT, `build/product/tests/unit/${program}-test`), { encoding: 'utf8' });
      assert.equal(status, 0, stdout + stderr);
      assert.ok((stdout + stderr).includes(`OK ] ${name}`), stdout + stderr);
    });

  test('the whole story runs inside', async () => {
    const accounts = await demoAccounts(stack);
    const clerk = signIn(stack, accounts.clerk.user, accounts.clerk.password, 'clerk');
    const file = stack.path('patient.json');
    writeFileSync(file, JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: [{ fullUrl: 'urn:uuid:6f1b0c0e-6a51-4b9e-9a57-0d1f6a2b7c01',
      request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient', name: [{ family: 'Example', given: ['Robin'] }], gender: 'female',
        birthDate: '2022-03-14', identifier: [{ system: 'urn:lazaret:demo:national-id', value: 'DEMO-0001' }] } }] }));
    const patient = stack.client(['register', '--session', clerk, file]).trim();
    const study = stack.client(['upload', '--session', clerk, '--patient', patient, join(SAMPLES, 'synthetic-pneumonia.dcm')]).trim();
    assert.match(stack.client(['diagnose', '--session', clerk, '--patient', patient, '--study', study]), /Pneumonia: likely/);
    const doctor = signIn(stack, accounts.clinician.user, accounts.clinician.password, 'doctor');
    assert.equal(JSON.parse(stack.client(['inbox', '--session', doctor, '--json'])).messages.length, 1);
    assert.deepEqual(stack.unexpectedEnds, []);
  });

  test('and ends in order', async () => {
    for (const role of ROLES) {
      const entry = stack.processes.get(role);
      await stack.processes.stop(role);
      assert.deepEqual(entry.end, { code: 0, signal: null }, role);
    }
  });
});
