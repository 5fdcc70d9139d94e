// SPDX-License-Identifier: Apache-2.0
// `lazaret verify evidence` as a person or a script meets it: every shared case of every kind at every date, and what goes wrong
// around it. The library's own tests look at every byte; these look at the command.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { skipWithoutVectors as skip, vectors } from './support/vectors.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const sanitized = path.join(root, 'build/bin-sanitize');
const program = path.join(process.env.LAZARET_BIN ?? (existsSync(path.join(sanitized, 'lazaret')) ? sanitized : path.join(root, 'build/bin')), 'lazaret');

function verify(...options) {
  const run = spawnSync(program, ['verify', 'evidence', ...options], { encoding: 'utf8' });
  return { exit: run.status, out: run.stdout, err: run.stderr };
}

/** The verdict as a program reads it. */
function judge(...options) {
  const run = verify(...options, '--json');
  return { exit: run.exit, ...JSON.parse(run.out) };
}

function verdict(tee, file, collateral, at, ...options) {
  return judge('--tee', tee, '--file', file, '--collateral', collateral, '--at', String(at), ...options);
}

const expectation = (folder) => JSON.parse(readFileSync(path.join(folder, 'expected.json')));
const cases = (kind) => (existsSync(vectors) ? readdirSync(path.join(vectors, kind)) : [])
  .map((name) => path.join(vectors, kind, name)).filter((folder) => existsSync(path.join(folder, 'expected.json')));

const genuine = path.join(vectors, 'sgx/sgx-v3-00606a000000-268c0681');
const current = path.join(genuine, 'collateral-20250620-ev17');
const genuineAt = 1750416906;
const day = 86400;

/** The evaluations of a case folder, with the evidence file that they are of. */
function evaluations(folder, file) {
  const expected = expectation(folder);
  return (expected.evaluations ?? []).map((evaluation) => ({
    file: path.join(folder, file), fields: expected.fields, at: evaluation.time_unix, current: evaluation.crls_current,
    intel: evaluation.intel_algorithm, window: evaluation.window_utc,
    collateral: evaluation.collateral.startsWith('shared/')
      ? path.join(vectors, '..', evaluation.collateral.slice('shared/'.length)) : path.join(folder, evaluation.collateral),
  }));
}

/** Every field of a case that has a claim of its name; the names listed must be among them. */
function compareFields(claims, fields, names, where) {
  for (const name of names) assert.ok(name in claims && name in fields, `${name} of ${where}`);
  const shared = Object.keys(fields).filter((name) => name in claims);
  assert.deepEqual(Object.fromEntries(shared.map((name) => [name, claims[name]])),
    Object.fromEntries(shared.map((name) => [name, fields[name]])), where);
}

const sgxFields = ['mrenclave', 'mrsigner', 'isvprodid', 'isvsvn', 'debug', 'report_data', 'fmspc'];
const tdxFields = ['tee_tcb_svn', 'mrseam', 'mrsignerseam', 'seamattr', 'tdattributes', 'xfam', 'mrtd', 'mrconfigid', 'mrowner', 'mrownerconfig',
  'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3', 'report_data', 'debug', 'fmspc'];

function check(tee, evaluation, ...options) {
  const seen = verdict(tee, evaluation.file, evaluation.collateral, evaluation.at, ...options);
  const name = `${evaluation.file} at ${evaluation.at}`;
  const { claims } = seen;
  if (!evaluation.current) {
    assert.deepEqual([seen.exit, seen.genuine, seen.status, claims, seen.code], [1, false, null, null, 'ERR_CRL_EXPIRED'], name);
    assert.match(seen.reason, /crl\.(thisUpdate|nextUpdate)/, name);
    return;
  }
  if (evaluation.intel.status.startsWith('TCB_NOT_SUPPORTED')) {
    assert.deepEqual([seen.exit, seen.genuine, seen.status, claims, seen.code],
      [1, false, 'TCB_NOT_SUPPORTED', null, 'ERR_TCB_NOT_SUPPORTED'], name);
    return;
  }
  assert.deepEqual([seen.exit, seen.genuine, seen.status, seen.advisories, seen.reason, seen.code],
    [0, true, evaluation.intel.status, evaluation.intel.advisory_ids, null, 'OK'], `${name}: ${seen.reason}`);
  compareFields(claims, evaluation.fields, tee === 'tdx' ? tdxFields : sgxFields, name);
  assert.deepEqual([claims.tcb_date, claims.simulated], [evaluation.intel.detail.sgx_tcbDate, false], name);
  if (tee === 'tdx')
    assert.deepEqual([claims['x-ms-attestation-type'], claims.attester_tcb_status, claims.tdx_mrtd, claims.tdx_rtmr3, claims.tdx_xfam],
      ['tdxvm', seen.status, claims.mrtd, claims.rtmr3, claims.xfam], name);
  else
    assert.deepEqual(
      [claims.product_id, claims.svn, claims['x-ms-attestation-type'], claims['x-ms-sgx-mrenclave'], claims['x-ms-sgx-is-debuggable']],
      [claims.isvprodid, claims.isvsvn, 'sgx', claims.mrenclave, claims.debug], name);
}

test('every TDX case gives its verdict at every date', { skip }, () => {
  const all = cases('tdx').flatMap((folder) => evaluations(folder, 'quote.bin'));
  assert.ok(all.length >= 31);
  for (const evaluation of all.filter(({ file }) => !file.includes('50806f000000-3507b5f7'))) check('tdx', evaluation);
});

test('a TD quote with anything but zeros behind it is refused; zeros are left out, and told', { skip }, () => {
  const spoilt = path.join(vectors, 'tdx/tdx10-v4-50806f000000-3507b5f7');
  for (const { file, collateral, at } of evaluations(spoilt, 'quote.bin')) {
    const seen = verdict('tdx', file, collateral, at);
    assert.deepEqual([seen.exit, seen.code, seen.claims], [1, 'ERR_TRAILING_BYTES', null]);
  }
  const [padded] = evaluations(path.join(vectors, 'tdx/tdx10-v4-00806f050000-4cca351e'), 'quote.bin');
  assert.equal(verdict('tdx', padded.file, padded.collateral, padded.at).padding, 3065);
});

test('evidence is refused a day before its collateral was issued and a day after it expired', { skip }, () => {
  const all = [...cases('sgx').map((folder) => ['sgx', folder]), ...cases('tdx').map((folder) => ['tdx', folder])]
    .flatMap(([tee, folder]) => evaluations(folder, 'quote.bin').map((evaluation) => ({ tee, ...evaluation })));
  for (const { tee, file, collateral, window } of all.filter((evaluation) => evaluation.current && evaluation.window)) {
    const [first, last] = window.map((time) => Date.parse(`${time}Z`) / 1000);
    for (const at of [first - day, last + day]) {
      const seen = verdict(tee, file, collateral, at);
      assert.deepEqual([seen.exit, seen.genuine, seen.claims], [1, false, null], `${file} at ${at}`);
      assert.match(seen.code, /_EXPIRED$|ERR_TCB_NOT_SUPPORTED|ERR_TRAILING_BYTES/, `${file} at ${at}`);
    }
  }
});

test('collateral of another platform or another kind of TEE is refused', { skip }, () => {
  const [td] = evaluations(path.join(vectors, 'tdx/tdx15-v5-90c06f000000-cf77a6e9'), 'quote.bin');
  const [otherTd] = evaluations(path.join(vectors, 'tdx/tdx10-v4-00806f050000-4cca351e'), 'quote.bin');
  const [otherSgx] = evaluations(path.join(vectors, 'sgx/sgx-v3-00a067110000-f8b81014'), 'quote.bin');
  const quote = path.join(genuine, 'quote.bin');
  const swaps = [
    ['sgx', quote, otherSgx.collateral, otherSgx.at], ['sgx', quote, td.collateral, td.at], ['tdx', otherTd.file, td.collateral, td.at],
    ['tdx', otherTd.file, current, genuineAt],
  ];
  for (const [tee, file, collateral, at] of swaps) {
    const seen = verdict(tee, file, collateral, at);
    assert.deepEqual([seen.exit, seen.genuine, seen.code, seen.claims], [1, false, 'ERR_COLLATERAL_MISMATCH', null], `${file} with ${collateral}`);
  }
  for (const [tee, { file, collateral, at }] of [['sgx', td], ['tdx', { file: quote, collateral: current, at: genuineAt }]]) {
    const seen = verdict(tee, file, collateral, at);
    assert.deepEqual([seen.exit, seen.code, seen.claims], [1, 'ERR_QUOTE_UNSUPPORTED', null]);
  }
});

test('a policy accepts or refuses what is genuine; one that cannot be read judges nothing', { skip }, () => {
  const folder = path.join(vectors, 'snp/milan-microsoft');
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const policy = path.join(scratch, 'policy.json');
  const options = ['--tee', 'snp', '--file', path.join(folder, 'report.bin'), '--certs', keyFile(folder), '--at', String(snpTime(folder)), '--policy', policy];
  const { measurement } = expectation(folder).fields;
  const text = JSON.parse(readFileSync(path.join(root, 'docs/appraisal/snp.json')));
  const tcb = { boot_loader: 4, tee: 0, snp: 24, microcode: 219 };
  text.snp.products = { Milan: { current: tcb, reported: tcb, committed: tcb, launch: tcb, minimum_firmware: '1.55.29' } };
  Object.assign(text.snp, { measurement: [measurement], host_data: 'any', guest_svn: { minimum: 0, deny: 'none' }, allow_smt: true, require_revocation_list: false });
  writeFileSync(policy, JSON.stringify(text));
  const accepted = judge(...options);
  assert.deepEqual([accepted.exit, accepted.genuine, accepted.accepted, accepted.code], [0, true, true, 'OK'], accepted.reason);
  assert.match(verify(...options).out, /policy +accepts/);
  text.snp.measurement = ['00'.repeat(47) + '01'];
  writeFileSync(policy, JSON.stringify(text));
  const refused = judge(...options);
  assert.deepEqual([refused.exit, refused.genuine, refused.accepted, refused.code, refused.claims.measurement], [1, true, false, 'ERR_APPRAISAL', measurement]);
  assert.match(refused.field, /measurement/);
  const screen = verify(...options);
  for (const part of [/^GENUINE, NOT ACCEPTED/, /does NOT accept/, /field +snp.*measurement/, /what to do/]) assert.match(screen.out, part);
  for (const bytes of ['', '{}', '{"version":1']) {
    writeFileSync(policy, bytes);
    const unusable = verify(...options);
    assert.deepEqual([unusable.exit, unusable.out], [2, ''], bytes);
    assert.deepEqual([judge(...options).code, judge(...options).genuine], ['ERR_APPRAISAL_POLICY', false]);
  }
  rmSync(policy);
  assert.equal(verify(...options).exit, 2);
  rmSync(scratch, { recursive: true });
});

// ---- AMD ----

const keyFile = (folder) => ['vcek.der', 'vcek.pem', 'vlek.der'].map((name) => path.join(folder, name)).find(existsSync);
const seconds = (time) => Date.parse(time) / 1000;
const snpFields = ['version', 'guest_svn', 'policy', 'family_id', 'image_id', 'vmpl', 'current_tcb', 'platform_info', 'signing_key', 'key_info', 'author_key_en', 'mask_chip_key', 'report_data',
  'measurement', 'host_data', 'id_key_digest', 'author_key_digest', 'report_id', 'report_id_ma', 'reported_tcb', 'chip_id', 'committed_tcb',
  'current_version', 'committed_version', 'launch_tcb'];

function snp(folder, at, certificates, ...options) {
  return judge('--tee', 'snp', '--file', path.join(folder, 'report.bin'), '--at', String(at), ...certificates.flatMap((file) => ['--certs', file]), ...options);
}

/** In the middle of the endorsement key's validity. */
function snpTime(folder) {
  const key = expectation(folder).key_cert;
  return Math.round((seconds(key.not_before) + seconds(key.not_after)) / 2);
}

test('every SEV-SNP case gives its verdict, with the endorsement key alone or with its issuers', { skip }, () => {
  assert.ok(cases('snp').length >= 7);
  for (const folder of cases('snp')) {
    const { expected, fields } = expectation(folder);
    const others = path.join(folder, 'ask_ark.pem');
    for (const certificates of [[keyFile(folder)], [keyFile(folder), others], [others, keyFile(folder)]]) {
      const seen = snp(folder, snpTime(folder), certificates);
      if (expected !== 'valid') {
        assert.deepEqual([seen.exit, seen.genuine, seen.claims], [1, false, null], folder);
        continue;
      }
      assert.deepEqual([seen.exit, seen.genuine, seen.status, seen.advisories, seen.code], [0, true, null, [], 'OK'], `${folder}: ${seen.reason}`);
      const { claims } = seen;
      compareFields(claims, fields, snpFields, folder);
      assert.deepEqual([claims['x-ms-attestation-type'], claims['x-ms-sevsnpvm-launchmeasurement'], claims['x-ms-sevsnpvm-is-debuggable'],
        claims['x-ms-sevsnpvm-reportid'], claims['x-ms-sevsnpvm-vmpl'], claims['x-ms-sevsnpvm-hostdata']],
      ['sevsnpvm', fields.measurement, fields.policy_debug_allowed, fields.report_id, fields.vmpl, fields.host_data], folder);
    }
  }
});

test('an SEV-SNP report is refused without its key, with the key of another chip, and out of its key\'s time', { skip }, () => {
  const valid = cases('snp').filter((folder) => expectation(folder).expected === 'valid');
  for (const folder of valid) {
    const missing = snp(folder, snpTime(folder), []);
    assert.deepEqual([missing.exit, missing.genuine, missing.code, missing.claims], [1, false, 'ERR_COLLATERAL_MISSING', null], folder);
    const issuers = snp(folder, snpTime(folder), [path.join(folder, 'ask_ark.pem')]);
    assert.deepEqual([issuers.exit, issuers.genuine], [1, false], folder);
    const key = expectation(folder).key_cert;
    for (const at of [seconds(key.not_before) - day, seconds(key.not_after) + day]) {
      const seen = snp(folder, at, [keyFile(folder)]);
      assert.deepEqual([seen.exit, seen.genuine, seen.code], [1, false, 'ERR_CERTIFICATE_EXPIRED'], folder);
    }
    for (const other of valid.filter((one) => one !== folder)) {
      const seen = snp(folder, snpTime(folder), [keyFile(other)]);
      assert.deepEqual([seen.exit, seen.genuine, seen.claims], [1, false, null], `${folder} with ${other}`);
    }
  }
});

test('an SEV-SNP report is as long as it is, and binds its data', { skip }, () => {
  const folder = path.join(vectors, 'snp/milan-microsoft');
  const report = readFileSync(path.join(folder, 'report.bin'));
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const file = path.join(scratch, 'report.bin');
  for (const bytes of [report.subarray(1), report.subarray(0, 1183), Buffer.concat([report, Buffer.alloc(1)]), Buffer.alloc(0)]) {
    writeFileSync(file, bytes);
    const seen = judge('--tee', 'snp', '--file', file, '--certs', keyFile(folder), '--at', String(snpTime(folder)));
    assert.deepEqual([seen.exit, seen.genuine, seen.claims], [1, false, null]);
  }
  assert.equal(snp(folder, snpTime(folder), [keyFile(folder)], '--runtime-data', file).code, 'ERR_REPORT_DATA');
  rmSync(scratch, { recursive: true });
});

/** The table that a host hands its guest: entries of GUID, offset and length, one of zeros, then the certificates. */
function certificateTable(entries) {
  const head = Buffer.alloc(24 * (entries.length + 1));
  let at = head.length;
  entries.forEach(([guid, certificate], i) => {
    Buffer.from(guid.replaceAll('-', ''), 'hex').copy(head, 24 * i);
    head.writeUInt32LE(at, 24 * i + 16);
    head.writeUInt32LE(certificate.length, 24 * i + 20);
    at += certificate.length;
  });
  return Buffer.concat([head, ...entries.map(([, certificate]) => certificate)]);
}

test('certificates come in the host\'s table too, and PEM may end in zeros', { skip }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const folder = path.join(vectors, 'snp/trustee-vcek');
  const file = path.join(scratch, 'certificates');
  const at = snpTime(folder);
  const vcek = readFileSync(keyFile(folder));
  writeFileSync(file, certificateTable([['63da758d-e664-4564-adc5-f4b93be8accd', vcek]]));
  assert.equal(snp(folder, at, [file]).exit, 0);
  writeFileSync(file, certificateTable([['00000000-0000-0000-0000-000000000001', vcek]]));
  assert.equal(snp(folder, at, [file]).code, 'ERR_COLLATERAL_MISSING');
  writeFileSync(file, certificateTable([['63da758d-e664-4564-adc5-f4b93be8accd', vcek]]).subarray(0, 40));
  assert.equal(snp(folder, at, [file]).code, 'ERR_SNP_MALFORMED');
  const milan = path.join(vectors, 'snp/milan-microsoft');
  writeFileSync(file, Buffer.concat([readFileSync(keyFile(milan)), Buffer.alloc(3)]));
  assert.equal(snp(milan, snpTime(milan), [file]).exit, 0);
  writeFileSync(file, Buffer.concat([readFileSync(keyFile(milan)), readFileSync(path.join(milan, 'ask_ark.pem'))]));
  assert.equal(snp(milan, snpTime(milan), [file]).exit, 0);
  rmSync(scratch, { recursive: true });
});

test('a collateral folder of AMD\'s stands in for certificates and list', { skip }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const folder = path.join(vectors, 'snp/trustee-vcek');
  const at = snpTime(folder);
  const missing = snp(folder, at, [], '--collateral', scratch);
  assert.deepEqual([missing.exit, missing.code, missing.field], [1, 'ERR_COLLATERAL_MISSING', 'vcek.der']);
  writeFileSync(path.join(scratch, 'vcek.der'), readFileSync(keyFile(folder)));
  assert.equal(snp(folder, at, [], '--collateral', scratch).field, 'crl.der');
  writeFileSync(path.join(scratch, 'crl.der'), 'no list');
  assert.equal(snp(folder, at, [], '--collateral', scratch).code, 'ERR_CRL_MALFORMED');
  assert.equal(snp(folder, at, [keyFile(folder)], '--collateral', scratch).exit, 0);
  rmSync(scratch, { recursive: true });
});

test('a byte flipped anywhere in evidence is noticed', { skip }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const file = path.join(scratch, 'evidence');
  const [td] = evaluations(path.join(vectors, 'tdx/tdx15-v5-90c06f000000-cf77a6e9'), 'quote.bin');
  const milan = path.join(vectors, 'snp/milan-microsoft');
  const whole = [
    [path.join(genuine, 'quote.bin'), ['--tee', 'sgx', '--collateral', current, '--at', String(genuineAt)]],
    [td.file, ['--tee', 'tdx', '--collateral', td.collateral, '--at', String(td.at)]],
    [path.join(milan, 'report.bin'), ['--tee', 'snp', '--certs', keyFile(milan), '--at', String(snpTime(milan))]],
    [path.join(tpm, 'quote.out'), ['--tee', 'tpm', ...tpmKey, ...tpmParts.slice(4)]],
  ];
  for (const [source, options] of whole) {
    const bytes = readFileSync(source);
    const signed = bytes.length - (bytes.length > 4000 ? 1 : 0); // the NUL behind a quote's PEM text
    for (let i = 0; i < 20; i++) {
      const spoilt = Buffer.from(bytes);
      spoilt[Math.floor((i * signed) / 20)] ^= 1 << (i % 8);
      writeFileSync(file, spoilt);
      const seen = judge('--file', file, ...options);
      assert.deepEqual([seen.exit, seen.genuine, seen.claims], [1, false, null], `${source} at ${Math.floor((i * signed) / 20)}`);
    }
  }
  rmSync(scratch, { recursive: true });
});

test('a person is told of a debug guest', { skip }, () => {
  const folder = path.join(vectors, 'snp/milan-v2-google');
  const seen = verify('--tee', 'snp', '--file', path.join(folder, 'report.bin'), '--certs', keyFile(folder), '--at', String(snpTime(folder)));
  assert.equal(seen.exit, 0);
  for (const part of [/^GENUINE DEBUG/, /Milan/, /what ran/, /DEBUG guest/, /good until/, /what to do/]) assert.match(seen.out, part);
  assert.ok(seen.out.split('\n').length <= 24);
});

// ---- TPM ----

const tpm = path.join(vectors, 'tpm/keylime-quote');
const tpmParts = ['--tee', 'tpm', '--file', path.join(tpm, 'quote.out'), '--signature', path.join(tpm, 'quotesig.out')];
const tpmKey = ['--certs', path.join(tpm, 'akpub.pem')];

test('the TPM case gives its fields, with the key as PEM and as a public area, with PCR values and without', { skip }, () => {
  const { tpms_attest: fields } = expectation(tpm);
  for (const key of [tpmKey, ['--certs', path.join(tpm, 'ak.pub')]]) {
    for (const pcrs of [[], ['--pcrs', path.join(tpm, 'quotepcr.out')]]) {
      const seen = judge(...tpmParts, ...key, ...pcrs, '--nonce', fields.extraData);
      assert.deepEqual([seen.exit, seen.genuine, seen.status, seen.code], [0, true, null, 'OK'], seen.reason);
      compareFields(seen.claims, fields, ['qualifiedSigner', 'extraData', 'clock', 'resetCount', 'restartCount', 'safe', 'firmwareVersion', 'pcrSelect',
        'pcrDigest'], 'tpm');
      assert.deepEqual(Object.keys(seen.claims.pcrs), pcrs.length > 0 ? ['15', '16', '22'] : []);
    }
  }
});

test('a TPM quote is refused over another nonce, by another key, with other values and with parts missing', { skip }, () => {
  const wrong = [
    [[...tpmParts, ...tpmKey, '--nonce', '00'], 'ERR_TPM_NONCE'],
    [[...tpmParts, ...tpmKey, '--runtime-data', path.join(tpm, 'ak.pub')], 'ERR_REPORT_DATA'],
    [[...tpmParts, '--certs', path.join(tpm, 'ekpub.pem')], 'ERR_TPM_SIGNATURE'],
    [[...tpmParts, '--certs', path.join(tpm, 'ek.pub')], 'ERR_TPM_KEY'],
    [[...tpmParts, '--certs', path.join(tpm, 'quote.out')], 'ERR_TPM_KEY'],
    [tpmParts, 'ERR_TPM_KEY'],
    [[...tpmParts.slice(0, 4), ...tpmKey], 'ERR_TPM_SIGNATURE'],
    [[...tpmParts, ...tpmKey, '--pcrs', path.join(vectors, 'azure-vtpm/snp-milan-trustee-v0/pcrs_sha256.bin')], 'ERR_TPM_PCR'],
    [[...tpmParts, ...tpmKey, '--event-log', path.join(tpm, 'quote.out')], 'ERR_TPM_EVENT_LOG'],
  ];
  for (const [options, code] of wrong) {
    const seen = judge(...options);
    assert.deepEqual([seen.exit, seen.genuine, seen.code, seen.claims], [1, false, code, null], `${options.join(' ')}: ${seen.reason}`);
  }
  assert.match(judge(...tpmParts.slice(0, 4), ...tpmKey).fix, /--signature/);
});

// ---- Azure ----

const azure = path.join(vectors, 'azure-vtpm');
const azureAt = 1782599235;
const azureTd = path.join(vectors, 'tdx/tdx10-v4-00806f050000-a187b0da');

function compareAzure(claims, expected, where, hasQuote) {
  const machine = expected.vm_configuration;
  assert.deepEqual(claims.vm_configuration, machine, where);
  assert.deepEqual(claims['x-ms-runtime'].keys.map(({ kid }) => kid), expected.runtime_data_keys, where);
  assert.deepEqual([claims.var_data_sha256, claims['x-ms-attestation-type'], claims['x-ms-azurevm-vmid'], claims.secureboot],
    [expected.hcl.var_data_sha256, 'azurevm', machine.vmUniqueId, machine['secure-boot']], where);
  if (hasQuote) compareFields(claims.tpm, expected.tpms_attest, ['extraData', 'qualifiedSigner', 'pcrDigest', 'pcrSelect', 'firmwareVersion', 'clock'], where);
  else assert.equal(claims.tpm, null, where);
}

/** A binary report with its parts beside it. */
const azureParts = (folder) => ['--tpm-quote', 'tpm_quote.msg', '--signature', 'tpm_quote.sig', '--pcrs', 'pcrs_sha256.bin']
  .map((word) => (word.startsWith('--') ? word : path.join(folder, word)));

test('every Azure case on SEV-SNP gives its verdict, as JSON, as files and as a report alone', { skip }, () => {
  for (const folder of cases('azure-vtpm').filter((name) => existsSync(path.join(name, 'vcek.der')))) {
    const expected = expectation(folder);
    const report = ['--file', path.join(folder, 'hcl_report.bin'), '--certs', path.join(folder, 'vcek.der')];
    const forms = [
      [true, ['--file', path.join(folder, 'source_evidence.json')]],
      [true, ['--file', path.join(folder, 'source_evidence.json'), '--certs', path.join(folder, 'vcek.der'), '--certs', path.join(vectors, 'snp/ca/milan.pem')]],
      [true, ['--file', path.join(folder, 'source_evidence.json'), '--nonce', expected.tpms_attest.extraData, '--runtime-data', path.join(folder, 'runtime_data.json')]],
      [true, [...report, ...azureParts(folder), '--nonce', expected.tpms_attest.extraData]], [false, report],
    ];
    for (const [hasQuote, options] of forms) {
      const seen = judge('--tee', 'azure-vtpm', '--at', String(azureAt), ...options);
      const where = options.join(' ');
      assert.deepEqual([seen.exit, seen.genuine, seen.status, seen.code], [0, true, null, 'OK'], `${where}: ${seen.reason}`);
      compareFields(seen.claims, expected.snp_fields, snpFields, where);
      compareAzure(seen.claims, expected, where, hasQuote);
      assert.deepEqual([seen.claims['x-ms-isolation-tee']['x-ms-attestation-type'], seen.claims['x-ms-isolation-tee']['x-ms-sevsnpvm-launchmeasurement']],
        ['sevsnpvm', expected.snp_fields.measurement], where);
    }
    const alone = verify('--tee', 'azure-vtpm', '--at', String(azureAt), ...report);
    assert.match(alone.out, /nothing shows that the machine runs now/);
  }
});

test('the Azure case on TDX gives its verdict at each date, as JSON and as files', { skip }, () => {
  const folder = path.join(azure, 'tdx-trustee-v1');
  const expected = expectation(folder);
  const report = ['--file', path.join(folder, 'hcl_report.bin'), '--td-quote', path.join(folder, 'td_quote.bin')];
  for (const { collateral, at, intel } of evaluations(azureTd, 'quote.bin')) {
    for (const options of [['--file', path.join(folder, 'source_evidence.json')], [...report, ...azureParts(folder)], report]) {
      const seen = judge('--tee', 'azure-vtpm', '--collateral', collateral, '--at', String(at), ...options);
      assert.deepEqual([seen.exit, seen.genuine, seen.status, seen.advisories, seen.code], [0, true, intel.status, intel.advisory_ids, 'OK'], seen.reason);
      compareFields(seen.claims, expected.td_quote_fields, tdxFields, folder);
      compareAzure(seen.claims, expected, folder, options !== report);
      assert.equal(seen.claims['x-ms-isolation-tee'].tdx_mrtd, expected.td_quote_fields.mrtd);
    }
  }
});

test('Azure evidence is refused with a part missing, another machine\'s part, or another nonce', { skip }, () => {
  const folder = path.join(azure, 'snp-milan-trustee-v2');
  const other = path.join(azure, 'snp-milan-trustee-v0');
  const td = path.join(azure, 'tdx-trustee-v1');
  const [{ collateral, at }] = evaluations(azureTd, 'quote.bin');
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const own = path.join(scratch, 'evidence.json');
  const text = (name, file) => readFileSync(path.join(folder, name)).toString(file);
  writeFileSync(own, JSON.stringify({ hcl_report: text('hcl_report.bin', 'base64url') }));
  const json = ['--file', path.join(folder, 'source_evidence.json')];
  const report = ['--file', path.join(folder, 'hcl_report.bin')];
  const vcek = ['--certs', path.join(folder, 'vcek.der')];
  const tdReport = ['--file', path.join(td, 'hcl_report.bin'), '--at', String(at)];
  const wrong = [
    [['--file', path.join(azure, 'kinvolk-snp-hcl/hcl_report.bin')], 'ERR_COLLATERAL_MISSING'],
    [report, 'ERR_COLLATERAL_MISSING'],
    [[...report, '--certs', path.join(other, 'vcek.der')], 'ERR_SNP_KEY'],
    [[...json, '--nonce', '00'], 'ERR_TPM_NONCE'],
    [[...report, ...vcek, ...azureParts(other)], 'ERR_TPM_SIGNATURE'],
    [[...report, ...vcek, ...azureParts(folder).slice(0, 2)], 'ERR_TPM_SIGNATURE'],
    [[...report, ...vcek, ...azureParts(folder).slice(0, 4), '--pcrs', path.join(other, 'pcrs_sha256.bin')], 'ERR_TPM_PCR'],
    [[...report, ...vcek, '--runtime-data', path.join(other, 'runtime_data.json')], 'ERR_REPORT_DATA'],
    [['--file', own, ...vcek], 'ERR_AZURE_REPORT'],
    [['--file', path.join(folder, 'expected.json')], 'ERR_FIELD_UNKNOWN'],
    [[...tdReport, '--collateral', collateral], 'ERR_AZURE_REPORT'],
    [[...tdReport, '--td-quote', path.join(td, 'td_quote.bin')], 'ERR_COLLATERAL_MISSING'],
    [[...tdReport, '--collateral', collateral, '--td-quote', path.join(genuine, 'quote.bin')], 'ERR_QUOTE_UNSUPPORTED'],
  ];
  for (const [options, code] of wrong) {
    const seen = judge('--tee', 'azure-vtpm', ...(options.includes('--at') ? [] : ['--at', String(azureAt)]), ...options);
    assert.deepEqual([seen.exit, seen.genuine, seen.code, seen.claims], [1, false, code, null], `${options.join(' ')}: ${seen.reason}`);
  }
  rmSync(scratch, { recursive: true });
});

test('a TPM\'s evidence in one JSON text needs the key that is trusted beside it', { skip }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const file = path.join(scratch, 'evidence.json');
  const part = (name) => readFileSync(path.join(tpm, name)).toString('base64url');
  const evidence = { attest: part('quote.out'), signature: part('quotesig.out'), pcrs: part('quotepcr.out'), key: readFileSync(path.join(tpm, 'akpub.pem'), 'utf8') };
  writeFileSync(file, JSON.stringify(evidence));
  const seen = judge('--tee', 'tpm', '--file', file, ...tpmKey);
  assert.deepEqual([seen.exit, seen.genuine, Object.keys(seen.claims.pcrs)], [0, true, ['15', '16', '22']], seen.reason);
  assert.equal(judge('--tee', 'tpm', '--file', file).code, 'ERR_TPM_KEY');
  writeFileSync(file, JSON.stringify({ ...evidence, attest: undefined }));
  assert.equal(judge('--tee', 'tpm', '--file', file, ...tpmKey).code, 'ERR_FIELD_MISSING');
  rmSync(scratch, { recursive: true });
});

/** A corrupted case is refused before its TCB is looked at, at every date. */
const isCorrupted = (folder) => /corrupted copy/.test(expectation(folder).note ?? '');

test('every SGX case gives its verdict at every date', { skip }, () => {
  const good = cases('sgx').filter((folder) => !isCorrupted(folder)).flatMap((folder) => evaluations(folder, 'quote.bin'));
  assert.ok(good.length >= 32);
  for (const evaluation of good) check('sgx', evaluation);
  const corrupted = cases('sgx').filter(isCorrupted).flatMap((folder) => evaluations(folder, 'quote.bin'));
  for (const { file, collateral, at } of corrupted) {
    const seen = verdict('sgx', file, collateral, at);
    assert.deepEqual([seen.exit, seen.genuine, seen.status, seen.claims], [1, false, null, null], file);
  }
});

test('every Open Enclave case gives its verdict at every date, wrapped or bare', { skip }, () => {
  for (const folder of cases('oe')) {
    for (const file of ['evidence.bin', 'quote.bin', 'evidence_raw_quote.bin'].filter((name) => existsSync(path.join(folder, name))))
      for (const evaluation of evaluations(folder, file)) check('oe', evaluation);
  }
  const seen = verdict('oe', path.join(vectors, 'oe/oe-sgx-cert-ec-bad/cert.der'), current, genuineAt);
  assert.deepEqual([seen.exit, seen.genuine], [1, false]);
});

test('enclave-held data are those of the report, to the byte', { skip }, () => {
  const folder = path.join(vectors, 'oe/maa-sample-release');
  const { collateral, at } = evaluations(folder, 'quote.bin').find((evaluation) => evaluation.current);
  const bound = (data) => verdict('oe', path.join(folder, 'evidence.bin'), collateral, at, '--runtime-data', data);
  assert.equal(bound(path.join(folder, 'ehd.bin')).exit, 0);
  const other = bound(path.join(folder, 'quote.bin'));
  assert.deepEqual([other.exit, other.genuine, other.code, other.field, other.claims], [1, false, 'ERR_REPORT_DATA', 'report_data', null]);
});

/** A quote of version 3 with other certification data, which nothing signs. */
function recertified(quote, type, data) {
  const sizeAt = 432;
  const typeAt = sizeAt + 4 + 578 + quote.readUInt16LE(sizeAt + 4 + 576);
  const out = Buffer.concat([quote.subarray(0, typeAt + 6), data]);
  out.writeUInt16LE(type, typeAt);
  out.writeUInt32LE(data.length, typeAt + 2);
  out.writeUInt32LE(out.length - sizeAt - 4, sizeAt);
  return { out, chain: quote.subarray(typeAt + 6).toString('latin1') };
}

test('a quote takes its certificates from beside it, PEM or DER, whole or in part', { skip }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const quote = readFileSync(path.join(genuine, 'quote.bin'));
  const blocks = recertified(quote, 5, Buffer.alloc(0)).chain.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n?/g);
  assert.equal(blocks.length, 3);
  const file = path.join(scratch, 'quote.bin');
  const named = (name, bytes) => {
    writeFileSync(path.join(scratch, name), bytes);
    return ['--certs', path.join(scratch, name)];
  };
  const der = (block) => Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64');
  writeFileSync(file, recertified(quote, 4, Buffer.from(blocks[0])).out);
  const beside = [[], named('two.pem', blocks[1] + blocks[2]), [...named('ca.der', der(blocks[1])), ...named('root.der', der(blocks[2]))],
    [...named('root.pem', `${blocks[2]}\0`), ...named('ca.der', der(blocks[1]))]];
  for (const certificates of beside) {
    const seen = verdict('sgx', file, current, genuineAt, ...certificates);
    assert.deepEqual([seen.exit, seen.genuine, seen.claims?.certtype], [0, true, 4], `${certificates.join(' ')}: ${seen.reason}`);
  }
  const strange = verdict('sgx', file, current, genuineAt, ...named('strange', 'no certificate'));
  assert.deepEqual([strange.exit, strange.genuine], [1, false]);
  rmSync(scratch, { recursive: true });
});

test('evidence under a root of somebody\'s own is refused', { skip }, () => {
  const [td] = evaluations(path.join(vectors, 'tdx/tdx15-v5-90c06f000000-cf77a6e9'), 'quote.bin');
  for (const [kind, tee, collateral, at] of [['sgx-v3', 'sgx', current, genuineAt], ['tdx-v4', 'tdx', td.collateral, td.at]]) {
    const folder = path.join(vectors, 'intel-synthetic', kind);
    const certificates = ['pckCert.pem', 'pckSignChain.pem'].flatMap((name) => ['--certs', path.join(folder, name)]);
    for (const options of [[], certificates]) {
      const seen = verdict(tee, path.join(folder, 'quote.dat'), collateral, at, ...options);
      assert.deepEqual([seen.exit, seen.genuine, seen.claims], [1, false, null], seen.reason);
    }
  }
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
  const wrong = [
    [[], /--tee/], [['--tee', 'sev', ...full.slice(2)], /--tee.*sev/], [full.slice(0, 4), /--collateral/], [[...full.slice(0, 2), ...full.slice(4)], /--file/],
    [[...full, '--at', 'now'], /--at.*now/], [[...full, '--at', '-1'], /--at.*-1/], [[...full, '--at', '9999999999999'], /--at/],
    [[...full, '--at'], /--at/], [[...full, '--tee', 'oe'], /--tee/], [[...full, '--nonsense'], /--nonsense/], [[...full, 'operand'], /operand/],
    [['--tee', 'sgx', '--file', '/does/not/exist', '--collateral', current], /\/does\/not\/exist/],
    [['--tee', 'sgx', '--file', file, '--collateral', '/does/not/exist'], /\/does\/not\/exist/],
    [['--tee', 'sgx', '--file', file, '--collateral', file], /--collateral/],
    [['--tee', 'tdx', '--file', file], /--collateral/], [['--tee', 'oe', '--file', file], /--collateral/],
    [['--tee', 'snp', '--file', file, '--certs', '/does/not/exist'], /\/does\/not\/exist/],
    [['--tee', 'snp', '--file', file, '--crl', '/does/not/exist'], /\/does\/not\/exist/],
    [[...full, '--runtime-data', '/does/not/exist'], /\/does\/not\/exist/],
    [[...full, ...Array(9).fill(['--certs', file]).flat()], /--certs/],
    [[...full, '--crl', file], /--crl.*sgx/], [[...full, '--nonce', '00'], /--nonce.*sgx/], [[...full, '--td-quote', file], /--td-quote.*sgx/],
    [['--tee', 'snp', '--file', file, '--pcrs', file], /--pcrs.*snp/], [['--tee', 'snp', '--file', file, '--event-log', file], /--event-log.*snp/],
    [['--tee', 'tpm', '--file', file, '--tpm-quote', file], /--tpm-quote.*tpm/], [['--tee', 'sgx', '--file', file, '--signature', file], /--signature.*sgx/],
    [['--tee', 'azure-vtpm', '--file', file, '--pcrs', file], /--pcrs.*--tpm-quote/],
    [['--tee', 'azure-vtpm', '--file', path.join(azure, 'snp-milan-trustee-v2/source_evidence.json'), '--tpm-quote', file], /--tpm-quote.*JSON/],
    [['--tee', 'tpm', '--file', file, '--nonce', ''], /--nonce/], [['--tee', 'tpm', '--file', file, '--nonce', 'zz'], /--nonce.*zz/],
    [['--tee', 'tpm', '--file', file, '--nonce', '00'.repeat(67)], /--nonce/], [['--tee', 'tpm', '--file', file, ...tpmKey, ...tpmKey], /--certs/],
  ];
  for (const [options, message] of wrong) {
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

test('a folder may hold the collateral of many platforms, each in a folder of its own', { skip }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'lazaret-evidence-'));
  const [td] = evaluations(path.join(vectors, 'tdx/tdx15-v5-90c06f000000-cf77a6e9'), 'quote.bin');
  cpSync(current, path.join(scratch, '00606a000000-platform'), { recursive: true });
  cpSync(td.collateral, path.join(scratch, 'tdx-90c06f000000-platform'), { recursive: true });
  assert.equal(verdict('sgx', path.join(genuine, 'quote.bin'), scratch, genuineAt).genuine, true);
  assert.equal(verdict('tdx', td.file, scratch, td.at).genuine, true);
  const other = verdict('sgx', path.join(vectors, 'sgx/sgx-v3-00a067110000-f8b81014/quote.bin'), scratch, genuineAt);
  assert.deepEqual([other.exit, other.code, other.field], [1, 'ERR_COLLATERAL_MISSING', 'tcbinfo.json']);
  execFileSync('chmod', ['-R', 'u+w', scratch]);
  rmSync(scratch, { recursive: true });
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
