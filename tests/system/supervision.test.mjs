// SPDX-License-Identifier: Apache-2.0
// The supervision of the stack's programs, tried with programs that do nothing but end.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Processes, SUPERVISION } from '../../scripts/stack/processes.mjs';
import { until } from './support/until.mjs';

let folder;
before(() => { folder = mkdtempSync(join(tmpdir(), 'lazaret-supervision-')); });
after(() => rmSync(folder, { recursive: true, force: true }));

function supervised() {
  const told = [];
  const given = [];
  const processes = new Processes(() => told.push('unsupervised'), { log: (line) => told.push(line), giveUp: (...what) => given.push(what), lastPauseMs: 200 });
  return { processes, told, given };
}

/** `script` is a shell script; it is up once it has written the ready file, whose path is its $1. */
function startScript(processes, name, script) {
  const ready = join(folder, `${name}.ready`);
  processes.start(name, '/bin/sh', ['-c', script, 'sh', ready], { log: join(folder, `${name}.log`), ready });
  return ready;
}

test('a program that is killed is started again, with a line on the console, and its children do not survive it', async () => {
  const { processes, told } = supervised();
  const children = join(folder, 'children');
  const ready = startScript(processes, 'server', `sleep 1000 & echo $! >> ${children}; echo 1 > "$1"; wait`);
  await until(() => existsSync(ready), 'up');
  const first = processes.get('server').child.pid;
  process.kill(first, 'SIGKILL');
  await until(() => processes.get('server') && processes.get('server').child.pid !== first && existsSync(ready), 'up again');
  assert.deepEqual(told, ['server ended unexpectedly (SIGKILL); it is started again']);
  const orphan = Number(readFileSync(children, 'utf8').split('\n')[0]);
  await until(() => !existsSync(`/proc/${orphan}`) || / Z /.test(readFileSync(`/proc/${orphan}/stat`, 'utf8')), 'no orphan');
  await processes.stopAll();
  assert.equal(processes.get('server'), undefined);
  assert.equal(told.length, 1);
});

test('a program that never comes up is given up after some failures, with its last lines', async () => {
  const { processes, told, given } = supervised();
  startScript(processes, 'broken', 'echo "cannot: no such thing" >&2; exit 3');
  await until(() => given.length > 0, 'given up');
  const [name, end, lines] = given[0];
  assert.equal(name, 'broken');
  assert.equal(end.code, 3);
  assert.match(lines, /cannot: no such thing/);
  assert.equal(told.length, SUPERVISION.maxFailures - 1);
  await sleep(SUPERVISION.firstPauseMs * 4);
  assert.equal(processes.get('broken'), undefined);
  await processes.stopAll();
});

test('a program that was up once is not given up', async () => {
  const { processes, told, given } = supervised();
  const hindrance = join(folder, 'hindrance');
  const ready = startScript(processes, 'hindered', `test -e ${hindrance} && exit 1; echo 1 > "$1"; exec sleep 1000`);
  await until(() => existsSync(ready), 'up');
  writeFileSync(hindrance, '');
  process.kill(processes.get('hindered').child.pid, 'SIGKILL');
  await until(() => told.length > SUPERVISION.maxFailures + 1, 'more failures than are allowed');
  rmSync(hindrance);
  await until(() => existsSync(ready), 'up again');
  assert.deepEqual(given, []);
  await processes.stopAll();
});

test('stopping cancels a start that is due', async () => {
  const { processes, told } = supervised();
  const ready = startScript(processes, 'stopped', 'echo 1 > "$1"; exec sleep 1000');
  await until(() => existsSync(ready), 'up');
  process.kill(processes.get('stopped').child.pid, 'SIGKILL');
  await until(() => told.length > 0, 'noticed');
  await processes.stop('stopped');
  await sleep(SUPERVISION.firstPauseMs * 4);
  assert.equal(processes.get('stopped'), undefined);
  await processes.stopAll();
});
