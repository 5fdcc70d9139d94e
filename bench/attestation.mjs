// SPDX-License-Identifier: Apache-2.0
// The attestation service under load: appraisals to signed token through HTTPS keep-alive, with warm collateral and quotes that all
// differ, against what OpenSSL alone needs for a quote's signatures and a token's, in the same run. Figures go to standard output
// as JSON lines, the table to standard error.
//
//     attestation.mjs [SECONDS]             what `make bench` runs
//     attestation.mjs memory [COUNT]        resident memory in steps up to COUNT (1000000) appraisals
//     attestation.mjs profile [SECONDS]     load, while perf looks at all processes of the service
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT, Stack } from '../scripts/stack/stack.mjs';
import { fetchWith } from '../tests/system/support/web.mjs';
import { childrenOf, descendantsOf, memoryMiB, processorSeconds } from '../scripts/stack/process-figures.mjs';

const LOAD = join(ROOT, 'build/product/bench/attest-load');
const QUOTES = 400;
const CONNECTIONS = 8;
const TURNS = 5;
const ALL = `0-${availableParallelism() - 1}`;
const EACH = [...Array(availableParallelism()).keys()].map(String);

function figure(name, value, unit) {
  process.stderr.write(`  ${name.padEnd(66)} ${value.toFixed(value < 100 ? 3 : 0).padStart(12)} ${unit}\n`);
  console.log(JSON.stringify({ bench: 'attestation', name, value: Number(value.toPrecision(6)), unit }));
}

/** The service's own processes: what the launcher started, with all children. */
const servicePids = (stack) => childrenOf(stack.processes.get('attestation').child.pid).flatMap((pid) => [pid, ...descendantsOf(pid)]);

/** This process, and what it starts from now on. */
function keepTo(cores) {
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)], { stdio: 'ignore' });
}

/** One client, or one on each core as if each came from a machine of its own; their figures together. */
async function load(stack, { connections = CONNECTIONS, seconds = 0, count = 0, cores = [ALL] } = {}) {
  const results = await Promise.all(cores.map((core) => promisify(execFile)('taskset', ['-c', core, LOAD, 'run', `127.0.0.1:${stack.ports.attestation}`, stack.path('requests'), String(connections / cores.length), String(seconds), String(count)])
    .then(({ stdout }) => JSON.parse(stdout))));
  for (const result of results) if ((result.statuses['200'] ?? 0) !== result.answers || result.lost > 0) throw new Error(`not every request got its token: ${JSON.stringify(result)}`);
  const [sum, most] = [(name) => results.reduce((all, one) => all + one[name], 0), (name) => Math.max(...results.map((one) => one[name]))];
  return { answers: sum('answers'), processor_s: sum('processor_s'), seconds: most('seconds'), p50_ms: most('p50_ms'), p99_ms: most('p99_ms') };
}

/** Appraisals per second, and microseconds of the service's processor time for each. */
async function measure(stack, options) {
  const pids = servicePids(stack);
  const before = processorSeconds(pids);
  const result = await load(stack, options);
  return { ...result, perSecond: result.answers / result.seconds, serviceUs: (processorSeconds(pids) - before) * 1e6 / result.answers };
}

function makeRequests(stack) {
  execFileSync(stack.program('lazaret-softtee'), ['launch', '--state', stack.path('softtee'), '--', LOAD, 'requests', stack.path('requests'), String(QUOTES), `localhost:${stack.ports.attestation}`]);
}

const FREE = { rate_limit: { per_second: 0 } };

async function openStack(own = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'lazaret-bench-'));
  const stack = await Stack.open({ folder, bin: join(ROOT, 'build/bin'), ports: { portal: 0, platformIngress: 0, attestationIngress: 0, platform: 0, attestation: 0, diagnosis: 0, gate: 0, collateral: 0 } });
  stack.administrator = JSON.parse(execFileSync(stack.program('lazaret'), ['key', 'administrator', '--out', stack.path('keys', 'administrator.pem')], { encoding: 'utf8' }));
  stack.own = { ...FREE, management: { trust: 'bearer', administrators: [{ key: stack.administrator, right: 'contributor' }] }, ...own };
  await stack.startAttestation(stack.own);
  makeRequests(stack);
  await load(stack, { count: 2 * QUOTES });
  return stack;
}

async function closeStack(stack) {
  await stack.stop();
  rmSync(stack.folder, { recursive: true, force: true });
}

/** The policy hash in a token that is asked for now. */
async function policyHash(stack) {
  const fetch = fetchWith(stack.tls.ca);
  const text = readFileSync(stack.path('requests'), 'utf8');
  const request = text.slice(9, 9 + Number(text.slice(0, 8)));
  const answer = await fetch(`${stack.urls.attestation}/attest/SgxEnclave?api-version=2022-08-01`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: request.slice(request.indexOf('\r\n\r\n') + 4) });
  fetch.close();
  return JSON.parse(Buffer.from((await answer.json()).token.split('.')[1], 'base64url'))['x-ms-policy-hash'];
}

/** What permits the same as the default policy, after so many rules that look at every claim of their type. */
const policyOf = (rules) => `version= 1.0; authorizationrules { => permit(); }; issuancerules { ${[...Array(rules - 1)].map((_, i) => `c:[type=="x-ms-sgx-svn", value==${1000 + i}] => issue(type="rule-${i}", value=c.value);`).join(' ')} };`;

async function setPolicy(stack, text) {
  const before = await policyHash(stack);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const bearer = execFileSync(stack.program('lazaret'), ['policy', 'bearer', '--key', stack.path('keys', 'administrator.pem'), '--url', stack.urls.attestation], { encoding: 'utf8' }).trim();
  const fetch = fetchWith(stack.tls.ca);
  const answer = await fetch(`${stack.urls.attestation}/policies/SgxEnclave?api-version=2022-08-01`, { method: 'PUT', headers: { 'content-type': 'text/plain', authorization: `Bearer ${bearer}` },
    body: `${part({ alg: 'none' })}.${part({ AttestationPolicy: Buffer.from(text).toString('base64url') })}.` });
  fetch.close();
  if (answer.status !== 200) throw new Error(`the policy was not set: ${answer.status} ${await answer.text()}`);
  for (const end = Date.now() + 5000; await policyHash(stack) === before;) if (Date.now() > end) throw new Error('tokens are not issued under the policy that was set');
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** By turns, so that both see the same machine. */
async function rulesCost(stack, period) {
  const rules = { 1: [], 100: [] };
  for (let turn = 0; turn < TURNS; turn++) {
    for (const count of [1, 100]) {
      await setPolicy(stack, policyOf(count));
      await load(stack, { count: QUOTES });
      rules[count].push((await measure(stack, { seconds: period / 2 })).serviceUs);
    }
  }
  figure('appraisal under a policy of 100 rules', median(rules[100]), 'us of CPU');
  figure('100 rules over one, medians of turns', median(rules[100]) / median(rules[1]), 'times');
}

async function es256(limit, period) {
  const stack = await openStack({ signing_key: { algorithm: 'ES256' } });
  try {
    const both = await measure(stack, { seconds: period, cores: EACH });
    figure('appraisal to signed token (ES256), all processes of the service', both.serviceUs, 'us of CPU');
    figure('the same, of the OpenSSL limit (2 P-256 + 1 P-256 signature), per core', limit / both.serviceUs, 'times');
  } finally {
    await closeStack(stack);
  }
}

function measureLimit(seconds) {
  const limit = JSON.parse(execFileSync(LOAD, ['limit', String(Math.max(seconds, 0.5))], { encoding: 'utf8' }));
  figure('OpenSSL alone: verify P-256', limit.verify_p256_us, 'us of CPU');
  figure('OpenSSL alone: sign RSA-2048', limit.sign_rsa_2048_us, 'us of CPU');
  figure('OpenSSL alone: sign P-256', limit.sign_p256_us, 'us of CPU');
  return { RS256: 2 * limit.verify_p256_us + limit.sign_rsa_2048_us, ES256: 2 * limit.verify_p256_us + limit.sign_p256_us };
}

/** Exec of the launcher to the first token, less what the launcher needs to measure and start any program. */
async function startToToken(stack, name) {
  const first = promisify(execFile)(LOAD, ['first', `127.0.0.1:${stack.ports.attestation}`, stack.path('requests')]);
  const begin = performance.timeOrigin + performance.now();
  await stack.startProgram('attestation', { ...stack.ownConfiguration('attestation'), ...stack.own });
  const { stdout } = await first;
  const launch = [...Array(5)].map(() => {
    const started = performance.now();
    execFileSync(stack.program('lazaret-softtee'), ['launch', '--state', stack.path('softtee'), '--signature', stack.path('keys', 'attestation.sig'), '--', stack.program('lazaret-attestation'), '--version']);
    return performance.now() - started;
  }).sort((a, b) => a - b)[2];
  const whole = JSON.parse(stdout).at_ms - begin;
  figure(`start to first token, ${name}: launcher, measuring, service`, whole, 'ms');
  figure(`start to first token, ${name}: without the launcher`, whole - launch, 'ms');
}

/** A service that has only the first core to run on, beside the one that has all, by turns: never both at work. */
async function scaling(stack, period) {
  keepTo('0');
  const narrow = await openStack().finally(() => keepTo(ALL));
  const rounds = { one: [], two: [], free: [] };
  try {
    for (let turn = 0; turn < TURNS; turn++) {
      rounds.one.push(await measure(narrow, { seconds: period / 2, cores: ['0'] }));
      rounds.two.push(await measure(stack, { seconds: period / 2, cores: EACH }));
      rounds.free.push(await measure(stack, { seconds: period / 2 }));
    }
  } finally {
    await closeStack(narrow);
  }
  const [one, two, free] = [rounds.one, rounds.two, rounds.free].map((all) => median(all.map((round) => round.perSecond)));
  figure('appraisals, service and client on one core', one, 'per second');
  figure('the same, all processes of the service', median(rounds.one.map((round) => round.serviceUs)), 'us of CPU');
  figure('appraisals, service on two cores, a client on each', two, 'per second');
  figure('the same, all processes of the service', median(rounds.two.map((round) => round.serviceUs)), 'us of CPU');
  figure('two cores over one, medians of turns', two / one, 'times');
  figure('the same with one client that moves from core to core', free / one, 'times');
}

async function bench(seconds) {
  const limit = measureLimit(seconds);
  const stack = await openStack();
  try {
    const period = Math.max(3, 3 * seconds);
    const both = await measure(stack, { seconds: period, cores: EACH });
    figure('appraisal to signed token (RS256), all processes of the service', both.serviceUs, 'us of CPU');
    figure('the same, of the OpenSSL limit (2 P-256 + 1 RSA-2048), per core', limit.RS256 / both.serviceUs, 'times');
    figure('the client beside it', both.processor_s * 1e6 / both.answers, 'us of CPU');
    figure('latency with 8 connections, median', both.p50_ms, 'ms');
    figure('latency with 8 connections, 99th percentile', both.p99_ms, 'ms');
    await scaling(stack, period);
    const memory = memoryMiB(servicePids(stack));
    figure('resident memory of all processes, shared pages counted once', memory.pss, 'MiB');
    figure('resident memory of all processes, shared pages in each', memory.rss, 'MiB');
    await stack.processes.stop('attestation');
    await startToToken(stack, 'warm state');
    await stack.processes.stop('attestation');
    emptyFolder(stack.path('state', 'attestation'));
    await startToToken(stack, 'first start');
    await rulesCost(stack, period);
  } finally {
    await closeStack(stack);
  }
  await es256(limit.ES256, Math.max(3, 3 * seconds));
}

function emptyFolder(folder) {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}

async function memory(count) {
  const stack = await openStack();
  try {
    const steps = 10;
    for (let step = 0; step <= steps; step++) {
      if (step > 0) await load(stack, { count: Math.ceil(count / steps) });
      const held = memoryMiB(servicePids(stack));
      figure(`after ${Math.ceil(count / steps) * step} appraisals, shared pages counted once`, held.pss, 'MiB');
      figure(`after ${Math.ceil(count / steps) * step} appraisals, shared pages in each`, held.rss, 'MiB');
    }
  } finally {
    await closeStack(stack);
  }
}

async function profile(seconds) {
  const stack = await openStack();
  try {
    const data = join(ROOT, 'build/perf.data');
    const watching = spawn('perf', ['record', '-q', '-g', '-F', '997', '-o', data, '-p', servicePids(stack).join(','), '--', 'sleep', String(seconds)], { stdio: 'inherit' });
    const result = await measure(stack, { seconds });
    process.stderr.write(`${result.perSecond.toFixed(0)} per second, ${result.serviceUs.toFixed(0)} us each; perf report -i ${data}\n`);
    await new Promise((done) => watching.once('exit', done));
  } finally {
    await closeStack(stack);
  }
}

const [what = '1', amount] = process.argv.slice(2);
if (what === 'memory') await memory(Number(amount ?? 1000000));
else if (what === 'profile') await profile(Number(amount ?? 10));
else await bench(Number(what));
