// SPDX-License-Identifier: Apache-2.0
// `lazaret verify evidence` as a person or a script meets it: every shared SGX and Open Enclave case at every date, and what goes
// wrong around it. The library's own tests look at every byte; these look at the command.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const sanitized = path.join(root, 'build/bin-sanitize');
const program = path.join(process.env.LAZARET_BIN ?? (existsSync(path.join(sanitized, 'lazaret')) ? sanitized : path.join(root, 'build/bin')), 'lazaret');
const vectors = path.join(process.env.LAZARET_SHARED ?? path.join(root, '../shared'), 'vectors');
const skip = existsSync(vectors) ? false : `no shared vectors at ${vectors}`;

function verify(...options) {
  const run = spawnSync(program, ['verify', 'evidence', ...options], { encoding: 'utf8' });
  return { exit: run.status, out: run.stdout, err: run.stderr };
}

function verdict(tee, file, collateral, at) {
  const run = verify('--tee', tee, '--file', file, '--collateral', collateral, '--at', String(at), '--json');
  return { exit: run.exit, ...JSON.parse(run.out) };
}

const genuine = path.join(vectors, 'sgx/sgx-v3-00606a000000-268c0681');
const current = path.join(genuine, 'collateral-20250620-ev17');
const genuineAt = 1750416906;

/** The evaluations of a case folder, with the evidence file that they are of. */
function evaluations(folder, file) {
  const expected = JSON.parse(readFileSync(path.join(folder, 'expected.json')));
  return (expected.evaluations ?? []).map((evaluation) => ({
    file: path.join(folder, file), fields: expected.fields, at: evaluation.time_unix, current: evaluation.crls_current,
    intel: evaluation.intel_algorithm,
    collateral: evaluation.collateral.startsWith('shared/')
      ? path.join(vectors, '..', evaluation.collateral.slice('shared/'.length)) : path.join(folder, evaluation.collateral),
  }));
}

function check(tee, evaluation) {
  const seen = verdict(tee, evaluation.file, evaluation.collateral, evaluation.at);
  const name = `${evaluation.file} at ${evaluation.at}`;
  if (!evaluation.current) {
    assert.deepEqual([seen.exit, seen.genuine, seen.status, seen.claims, seen.code], [1, false, null, null, 'ERR_CRL_EXPIRED'], name);
    assert.match(seen.reason, /crl\.(thisUpdate|nextUpdate)/, name);
    return;
  }
  assert.deepEqual([seen.genuine, seen.status, seen.advisories, seen.reason],
    [true, evaluation.intel.status, evaluation.intel.advisory_ids, null], name);
  const { claims } = seen;
  const { fields } = evaluation;
  assert.deepEqual(
    [claims.mrenclave, claims.mrsigner, claims.product_id, claims.svn, claims.debug, claims.report_data, claims.fmspc, claims.tcb_date, claims.simulated],
    [fields.mrenclave, fields.mrsigner, fields.isvprodid, fields.isvsvn, fields.debug, fields.report_data, fields.fmspc, evaluation.intel.detail.sgx_tcbDate, false],
    name);
}

test('every SGX case gives its verdict at every date', { skip }, () => {
  const cases = readdirSync(path.join(vectors, 'sgx')).flatMap((name) => evaluations(path.join(vectors, 'sgx', name), 'quote.bin'));
  assert.ok(cases.length >= 33);
  for (const evaluation of cases) check('sgx', evaluation);
});

test('every Open Enclave case gives its verdict at every date, wrapped or bare', { skip }, () => {
  for (const name of readdirSync(path.join(vectors, 'oe'))) {
    const folder = path.join(vectors, 'oe', name);
    for (const file of ['evidence.bin', 'quote.bin', 'evidence_raw_quote.bin'].filter((file) => existsSync(path.join(folder, file))))
      for (const evaluation of evaluations(folder, file)) check('oe', evaluation);
  }
  const seen = verdict('oe', path.join(vectors, 'oe/oe-sgx-cert-ec-bad/cert.der'), current, genuineAt);
  assert.deepEqual([seen.exit, seen.genuine], [1, false]);
});

test('what is not verified is not claimed', { skip }, () => {
  const seen = verdict('sgx', path.join(vectors, 'sgx/sgx-v3-ct3-2f59d4cb/quote.bin'), current, genuineAt);
  assert.deepEqual([seen.exit, seen.genuine, seen.status, seen.claims, seen.advisories], [1, false, null, null, []]);
  assert.match(seen.reason, /certification_data\.type.*no certificate/);
});

test('a person reads one screen', { skip }, () => {
  const options = ['--tee', 'sgx', '--file', path.join(genuine, 'quote.bin'), '--collateral', current];
  const good = verify(...options, '--at', String(genuineAt));
  assert.equal(good.exit, 0);
  assert.ok(good.out.split('\n').length <= 24);
  for (const part of [/^GENUINE: SWHardeningNeeded/, /who signed/, /what ran/, /good until/, /what is wrong/, /what to do/]) assert.match(good.out, part);
  const late = verify(...options, '--at', String(genuineAt + 30 * 86400));
  assert.equal(late.exit, 1);
  for (const part of [/^REFUSED/, /pck_crl\.nextUpdate/, /fetch current collateral/]) assert.match(late.out, part);
});

test('bad usage has its own exit code and names the option', { skip }, () => {
  const file = path.join(genuine, 'quote.bin');
  const full = ['--tee', 'sgx', '--file', file, '--collateral', current];
  const cases = [
    [[], /--tee/], [['--tee', 'sev', ...full.slice(2)], /--tee.*sev/], [full.slice(0, 4), /--collateral/], [[...full.slice(0, 2), ...full.slice(4)], /--file/],
    [[...full, '--at', 'now'], /--at.*now/], [[...full, '--at', '-1'], /--at.*-1/], [[...full, '--at', '9999999999999'], /--at/],
    [[...full, '--at'], /--at/], [[...full, '--tee', 'oe'], /--tee/], [[...full, '--nonsense'], /--nonsense/], [[...full, 'operand'], /operand/],
    [['--tee', 'sgx', '--file', '/does/not/exist', '--collateral', current], /\/does\/not\/exist/],
    [['--tee', 'sgx', '--file', file, '--collateral', '/does/not/exist'], /\/does\/not\/exist/],
    [['--tee', 'sgx', '--file', file, '--collateral', file], /--collateral/],
  ];
  for (const [options, message] of cases) {
    const run = verify(...options);
    assert.equal(run.exit, 2, options.join(' '));
    assert.match(run.err, message);
    assert.equal(run.out, '');
  }
  assert.equal(verify('--help').exit, 0);
});

/** A copy of the genuine case, to spoil. */
function copy() {
  const folder = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  cpSync(current, path.join(folder, 'collateral'), { recursive: true });
  cpSync(path.join(genuine, 'quote.bin'), path.join(folder, 'quote.bin'));
  execFileSync('chmod', ['-R', 'u+w', folder]);
  return { folder, quote: path.join(folder, 'quote.bin'), collateral: path.join(folder, 'collateral') };
}

function spoiled(spoil) {
  const files = copy();
  try {
    spoil(files);
    return verdict('sgx', files.quote, files.collateral, genuineAt);
  } finally {
    rmSync(files.folder, { recursive: true });
  }
}

test('each part of the collateral is needed, whole and within bounds', { skip }, () => {
  for (const name of ['tcbinfo.json', 'tcb_issuer_chain.pem', 'qe_identity.json', 'pck.crl', 'pck_crl_issuer_chain.pem', 'root_ca.crl']) {
    const missing = spoiled(({ collateral }) => rmSync(path.join(collateral, name)));
    assert.deepEqual([missing.exit, missing.genuine, missing.field], [1, false, name]);
    const empty = spoiled(({ collateral }) => truncateSync(path.join(collateral, name), 0));
    assert.deepEqual([empty.exit, empty.genuine], [1, false], name);
    const large = spoiled(({ collateral }) => truncateSync(path.join(collateral, name), 3 << 20));
    assert.deepEqual([large.exit, large.genuine], [1, false], name);
  }
  const own = spoiled(({ collateral }) => cpSync(path.join(collateral, 'tcb_issuer_chain.pem'), path.join(collateral, 'qe_identity_issuer_chain.pem')));
  assert.equal(own.genuine, true);
  const wrong = spoiled(({ collateral }) => cpSync(path.join(collateral, 'pck_crl_issuer_chain.pem'), path.join(collateral, 'qe_identity_issuer_chain.pem')));
  assert.deepEqual([wrong.exit, wrong.genuine], [1, false]);
  assert.match(wrong.reason, /qe_identity_issuer_chain/);
});

test('padding is refused unless it is allowed and zero', { skip }, () => {
  const files = copy();
  const padded = (byte, ...options) => {
    writeFileSync(files.quote, Buffer.concat([readFileSync(path.join(genuine, 'quote.bin')), Buffer.alloc(70, byte)]));
    return verify('--tee', 'sgx', '--file', files.quote, '--collateral', current, '--at', String(genuineAt), ...options).exit;
  };
  assert.deepEqual([padded(0), padded(0, '--allow-zero-padding'), padded(1), padded(1, '--allow-zero-padding')], [1, 0, 1, 1]);
  truncateSync(files.quote, 1 << 20);
  assert.equal(verdict('sgx', files.quote, current, genuineAt).exit, 1);
  rmSync(files.folder, { recursive: true });
});
