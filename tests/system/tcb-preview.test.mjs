// SPDX-License-Identifier: Apache-2.0
// `lazaret tcb preview` as a person or a script meets it: shared quotes attested under one issue of collateral, judged under the next.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { skipWithoutVectors as skip, vectors } from './support/vectors.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const sanitized = path.join(root, 'build/bin-sanitize');
const program = path.join(process.env.LAZARET_BIN ?? (existsSync(path.join(sanitized, 'lazaret')) ? sanitized : path.join(root, 'build/bin')), 'lazaret');

const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-preview-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

function lazaret(...words) {
  const run = spawnSync(program, words, { encoding: 'utf8' });
  return { exit: run.status, out: run.stdout, err: run.stderr };
}

/** The line that an attestation service notes of this evidence. */
function lineOf(tee, claims, status, time) {
  const domain = tee === 'tdx' ? { tee_tcb_svn: claims.tee_tcb_svn, ...(claims.tee_tcb_svn2 ? { tee_tcb_svn2: claims.tee_tcb_svn2 } : {}) } : {};
  return JSON.stringify({ time, tee, fmspc: claims.fmspc, pce_id: claims.pce_id, components: claims.pck_components, pce_svn: claims.pck_pce_svn,
    qe_svn: claims.qe_isvsvn, ...domain, status, tcb_evaluation: claims.tcb_evaluation });
}

function logOf(name, ...lines) {
  const file = path.join(scratch, name);
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
}

function preview(collateral, log, at, ...options) {
  const run = lazaret('tcb', 'preview', '--collateral', collateral, '--attested', log, '--at', String(at), '--json', ...options);
  return { exit: run.exit, ...JSON.parse(run.out) };
}

/** Every case of a kind that has two issues of collateral, the first of which accepts it: what preview says of the second. */
function changes(tee) {
  const found = [];
  for (const name of existsSync(path.join(vectors, tee)) ? readdirSync(path.join(vectors, tee)) : []) {
    const folder = path.join(vectors, tee, name);
    if (!existsSync(path.join(folder, 'expected.json'))) continue;
    const evaluations = JSON.parse(readFileSync(path.join(folder, 'expected.json'))).evaluations
      .filter((evaluation) => evaluation.crls_current && !evaluation.collateral.startsWith('shared/') && !evaluation.intel_algorithm.status.startsWith('TCB_NOT'));
    for (const [i, old] of evaluations.entries())
      for (const now of evaluations.slice(i + 1)) found.push({ folder, quote: path.join(folder, 'quote.bin'), old, now });
  }
  return found;
}

const rank = ['UpToDate', 'SWHardeningNeeded', 'ConfigurationNeeded', 'ConfigurationAndSWHardeningNeeded', 'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'];

for (const tee of ['sgx', 'tdx']) {
  test(`${tee}: the status under the next issue is foretold for every shared case, without its quote`, { skip }, (t) => {
    let count = 0;
    for (const { folder, quote, old, now } of changes(tee)) {
      const verified = JSON.parse(lazaret('verify', 'evidence', '--tee', tee, '--file', quote, '--collateral', path.join(folder, old.collateral), '--at', String(old.time_unix), '--json').out);
      assert.equal(verified.status, old.intel_algorithm.status);
      const log = logOf('log', lineOf(tee, verified.claims, verified.status, old.time_unix));
      const seen = preview(path.join(folder, now.collateral), log, old.time_unix);
      const worse = rank.indexOf(now.intel_algorithm.status) > rank.indexOf(old.intel_algorithm.status);
      assert.equal(seen.platforms.length, 1);
      assert.equal(seen.platforms[0].now.status, now.intel_algorithm.status, `${folder} under ${now.collateral}`);
      assert.equal(seen.platforms[0].verdict, worse ? 'fails' : 'passes');
      assert.equal(seen.exit, worse ? 1 : 0);
      assert.equal(seen.failing, worse ? 1 : 0);
      count++;
    }
    t.diagnostic(`${count} changes of collateral`);
    assert.ok(count >= 5);
  });
}

const genuine = path.join(vectors, 'sgx/sgx-v3-00606a000000-268c0681');
const at = 1750416906;
const attested = JSON.stringify({ time: at - 60, tee: 'sgx', platform: '00112233445566778899aabbccddeeff', fmspc: '00606a000000', pce_id: '0000',
  components: '0e0e0303ffff01000000000000000000', pce_svn: 13, qe_svn: 10, status: 'SWHardeningNeeded', tcb_evaluation: 17 });

test('a person reads one screen: who fails, from what to what, and what to do', { skip }, () => {
  const log = logOf('screen', attested);
  const run = lazaret('tcb', 'preview', '--collateral', path.join(genuine, 'collateral-20250620-ev18'), '--attested', log, '--at', String(at));
  assert.equal(run.exit, 1);
  assert.match(run.out, /^1 of 1 platforms attested since 2025-06-19T10:55:06Z would fail/);
  assert.match(run.out, /FAILS +0011223344556677 sgx 00606a000000 +1 h +SWHardeningNeeded \(17\) -> OutOfDate \(18\)/);
  assert.match(run.out, /what to do +update firmware/);
  const same = lazaret('tcb', 'preview', '--collateral', path.join(genuine, 'collateral-20250620-ev17'), '--attested', log, '--at', String(at));
  assert.equal(same.exit, 0);
  assert.match(same.out, /^0 of 1 platforms/);
  assert.match(same.out, /what to do +nothing/);
});

test('a policy says who fails, and its grace period who does not yet', { skip }, () => {
  const log = logOf('policy', attested);
  const policy = JSON.parse(readFileSync(path.join(root, 'docs/appraisal/sgx.json')));
  const file = path.join(scratch, 'policy.json');
  const judge = (change) => {
    change(policy.intel);
    writeFileSync(file, JSON.stringify(policy));
    return preview(path.join(genuine, 'collateral-20250620-ev18'), log, at, '--policy', file);
  };
  const refused = judge((intel) => { intel.grace = 'none'; intel.maximum_collateral_age_s = 'any'; });
  assert.equal(refused.exit, 1);
  assert.equal(refused.platforms[0].reason.field, 'intel.tcb_status');
  const { now } = refused.platforms[0];
  const accepted = judge((intel) => { intel.statuses = ['UpToDate', now.status]; intel.advisories = now.advisories; });
  assert.equal(accepted.exit, 0);
  assert.equal(judge((intel) => { intel.advisories = now.advisories.slice(1); }).platforms[0].reason.field, 'intel.advisories');
});

test('each example policy is usable, and the command tells what it leaves open', () => {
  for (const kind of ['sgx', 'tdx', 'snp', 'azure-vtpm', 'tpm']) {
    const run = lazaret('appraisal', 'check', path.join(root, 'docs/appraisal', `${kind}.json`));
    assert.equal(run.exit, 0, run.err);
    assert.match(run.out, new RegExp(`^usable: accepts evidence of ${kind}, and of no other kind`));
    assert.match(run.out, /accepts anything for/);
    assert.doesNotMatch(run.out, /WEAKENS/);
  }
  assert.match(lazaret('appraisal', 'check', path.join(root, 'docs/appraisal/tdx.json')).out, /\n {4}tdx\.rtmr0\n {4}tdx\.mrseam$/m);
  const wrong = path.join(scratch, 'wrong.json');
  writeFileSync(wrong, '{"version":1,"sgx":{}}');
  const run = lazaret('appraisal', 'check', wrong);
  assert.equal(run.exit, 1);
  assert.match(run.err, /the appraisal policy is not usable: sgx\./);
  assert.equal(lazaret('appraisal', 'check').exit, 2);
});

test('what is not usable is refused, and said', { skip }, () => {
  const log = logOf('usage', attested);
  const collateral = path.join(genuine, 'collateral-20250620-ev18');
  for (const [words, text] of [
    [['--attested', log], /--collateral: seen nothing/],
    [['--collateral', collateral], /--attested: seen nothing/],
    [['--collateral', scratch, '--attested', log], /--collateral: .*tcbinfo\.json/],
    [['--collateral', collateral, '--attested', path.join(scratch, 'none')], /No such file/],
    [['--collateral', collateral, '--attested', log, '--since', 'yesterday'], /--since/],
  ]) {
    const run = lazaret('tcb', 'preview', ...words);
    assert.equal(run.exit, 2, run.err);
    assert.match(run.err, text);
  }
  const wrong = lazaret('tcb', 'preview', '--collateral', collateral, '--attested', logOf('wrong', attested, '{"tee":"snp"}'));
  assert.equal(wrong.exit, 1);
  assert.match(wrong.err, /line 2\.tee/);
  assert.equal(lazaret('tcb', 'preview', '--help').exit, 0);
});
