// SPDX-License-Identifier: Apache-2.0
// `lazaret verify evidence --tee tpm` with a real TPM 2.0 (swtpm): keys, PCRs and quotes are made by tpm2-tools as on a machine, the
// verdict is the command's. What is changed on the way is refused, and the refusal says what.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tpm, missing } from './support/tpm.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const sanitized = path.join(root, 'build/bin-sanitize');
const program = path.join(process.env.LAZARET_BIN ?? (existsSync(path.join(sanitized, 'lazaret')) ? sanitized : path.join(root, 'build/bin')), 'lazaret');
const skip = missing.length === 0 ? false : `${missing.join(' and ')} not installed (scripts/setup does it)`;

const nonce = '0011223344';
const keys = {
  rsassa256: { key: 'rsa', hash: 'sha256', scheme: 'rsassa' }, rsassa384: { key: 'rsa', hash: 'sha384', scheme: 'rsassa' },
  rsapss256: { key: 'rsa', hash: 'sha256', scheme: 'rsapss' }, rsapss384: { key: 'rsa', hash: 'sha384', scheme: 'rsapss' },
  p256: { key: 'ecc', hash: 'sha256', scheme: 'ecdsa' }, p384: { key: 'ecc384', hash: 'sha384', scheme: 'ecdsa' },
};
const banks = { sha1: 0x0004, sha256: 0x000b, sha384: 0x000c };
let tpm;

/** What firmware would have measured: PCR, type and a text, whose digests are extended. */
const events = [[0, 8, 'firmware 1.0'], [7, 0x80000001, 'SecureBoot'], [4, 0x80000003, 'boot loader'], [0, 4, 'separator'], [4, 0x80000003, 'kernel']];
const digest = (bank, text) => createHash(bank).update(text).digest();

function number(value, size) {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, size);
  return bytes;
}

/** TCG_PCR_EVENT2 of each, behind the event that names the banks. */
function eventLog(list) {
  const sizes = Object.entries(banks).map(([bank, id]) => Buffer.concat([number(id, 2), number(digest(bank, '').length, 2)]));
  const specification = Buffer.concat([Buffer.from('Spec ID Event03\0'), number(0, 4), Buffer.from([0, 2, 0, 2]), number(sizes.length, 4), ...sizes, number(0, 1)]);
  const first = Buffer.concat([number(0, 4), number(3, 4), Buffer.alloc(20), number(specification.length, 4), specification]);
  return Buffer.concat([first, ...list.map(([pcr, type, text]) => Buffer.concat([number(pcr, 4), number(type, 4), number(sizes.length, 4),
    ...Object.entries(banks).map(([bank, id]) => Buffer.concat([number(id, 2), digest(bank, text)])), number(text.length, 4), Buffer.from(text)]))]);
}

before(async () => {
  if (skip) return;
  tpm = await Tpm.start();
  for (const [name, kind] of Object.entries(keys)) tpm.createAttestationKey(name, kind);
  for (const [pcr, , text] of events) tpm.run('pcrextend', `${pcr}:${Object.keys(banks).map((bank) => `${bank}=${digest(bank, text).toString('hex')}`).join(',')}`);
  for (const [name, kind] of Object.entries(keys)) tpm.quote(name, name, { nonce, hash: kind.hash, scheme: kind.scheme });
  writeFileSync(tpm.file('log'), eventLog(events));
});

after(async () => tpm?.stop());

/** Options by name; those that are undefined are left out. */
function judge(options) {
  const all = { tee: 'tpm', at: '1800000000', nonce, ...options };
  const list = Object.entries(all).filter(([, value]) => value !== undefined).flatMap(([name, value]) => [`--${name}`, value]);
  const run = spawnSync(program, ['verify', 'evidence', ...list, '--json'], { encoding: 'utf8' });
  return { exit: run.status, ...JSON.parse(run.stdout) };
}

function parts(name) {
  return { file: tpm.file(`${name}.msg`), signature: tpm.file(`${name}.sig`), pcrs: tpm.file(`${name}.pcrs`), certs: tpm.file(`${name}.pub`), 'event-log': tpm.file('log') };
}

function assertRefused(options, code, reason) {
  const seen = judge(options);
  assert.deepEqual([seen.exit, seen.genuine, seen.code], [1, false, code], JSON.stringify(seen));
  assert.match(seen.reason, reason);
}

/** The same file with its byte changed, beside it. */
function changed(name, at) {
  const bytes = readFileSync(tpm.file(name));
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  writeFileSync(tpm.file(`changed-${name}`), bytes);
  return tpm.file(`changed-${name}`);
}

test('a quote of each kind of key is genuine, with the PCRs that the event log leads to', { skip }, () => {
  for (const name of Object.keys(keys)) {
    const seen = judge(parts(name));
    assert.deepEqual([seen.exit, seen.genuine], [0, true], `${name}: ${seen.reason}`);
    const { claims } = seen;
    assert.equal(claims.extraData, nonce);
    assert.deepEqual(claims.pcrSelect[0].pcrs, [0, 4, 7, 16]);
    assert.deepEqual([claims.event_log, claims.key_restricted], [true, true]);
    assert.equal(claims.key_name, readFileSync(tpm.file(`${name}.name`)).toString('hex'));
    const extended = events.filter(([pcr]) => pcr === 4).reduce((value, [, , text]) => digest('sha256', Buffer.concat([value, digest('sha256', text)])), Buffer.alloc(32));
    assert.equal(claims.pcrs['4'], extended.toString('hex'));
  }
});

test('PCR values are read as each tool writes them', { skip }, () => {
  tpm.run('pcrread', 'sha256:0,4,7,16', '-o', 'selected.bin');
  tpm.run('pcrread', 'sha256', '-o', 'all.bin');
  for (const pcrs of ['selected.bin', 'all.bin']) assert.equal(judge({ ...parts('p256'), pcrs: tpm.file(pcrs) }).exit, 0, pcrs);
  tpm.quote('p256', 'everything', { pcrs: 'sha256:all' });
  assert.equal(judge({ ...parts('everything'), certs: tpm.file('p256.pub') }).exit, 0);
  tpm.run('pcrread', 'sha256:0,4,7', '-o', 'fewer.bin');
  assertRefused({ ...parts('p256'), pcrs: tpm.file('fewer.bin') }, 'ERR_TPM_PCR', /pcrs/);
});

test('quotes of the other banks', { skip }, () => {
  for (const bank of ['sha1', 'sha384']) {
    tpm.quote('p256', bank, { pcrs: `${bank}:0,4,7` });
    const seen = judge({ ...parts(bank), certs: tpm.file('p256.pub') });
    assert.deepEqual([seen.exit, seen.claims?.event_log], [0, true], `${bank}: ${seen.reason}`);
  }
  tpm.quote('p256', 'two', { pcrs: 'sha1:0+sha256:0' });
  assertRefused({ ...parts('two'), certs: tpm.file('p256.pub') }, 'ERR_TPM_PCR', /several banks/);
});

test('what is changed is refused, and named', { skip }, () => {
  for (const name of ['rsassa256', 'rsapss384', 'p256']) {
    const good = parts(name);
    assertRefused({ ...good, file: changed(`${name}.msg`, 50) }, 'ERR_TPM_SIGNATURE', /signature/);
    assertRefused({ ...good, signature: changed(`${name}.sig`, -1) }, 'ERR_TPM_SIGNATURE', /signature/);
    assertRefused({ ...good, pcrs: changed(`${name}.pcrs`, 150) }, 'ERR_TPM_PCR', /pcrDigest/);
    assertRefused({ ...good, nonce: '0011223345' }, 'ERR_TPM_NONCE', /extraData/);
    assertRefused({ ...good, certs: tpm.file(name === 'p256' ? 'p384.pub' : 'p256.pub') }, 'ERR_TPM_KEY', /public|key|signature/);
    assertRefused({ ...good, certs: undefined }, 'ERR_TPM_KEY', /key/);
  }
});

test('a log that does not lead to the quoted PCRs is refused', { skip }, () => {
  const logs = { shorter: events.slice(0, -1), longer: [...events, [7, 4, 'more']], swapped: [events[3], events[1], events[2], events[0], events[4]] };
  for (const [name, list] of Object.entries(logs)) {
    writeFileSync(tpm.file(name), eventLog(list));
    assertRefused({ ...parts('p256'), 'event-log': tpm.file(name) }, 'ERR_TPM_EVENT_LOG', /event_log\.pcr\[/);
  }
  tpm.run('pcrextend', `16:sha256=${digest('sha256', 'later').toString('hex')}`);
  tpm.quote('p256', 'later');
  writeFileSync(tpm.file('with-16'), eventLog([...events, [16, 4, 'later']]));
  assert.equal(judge({ ...parts('later'), certs: tpm.file('p256.pub'), 'event-log': tpm.file('with-16') }).exit, 0);
  assertRefused({ ...parts('p256'), 'event-log': tpm.file('with-16') }, 'ERR_TPM_EVENT_LOG', /pcr\[16\]/);
  tpm.run('pcrreset', '16');
});

test('a key that signs whatever it is given is no attestation key', { skip }, () => {
  tpm.run('createprimary', '-C', 'e', '-c', 'parent.ctx');
  tpm.run('create', '-C', 'parent.ctx', '-G', 'ecc256:ecdsa-sha256', '-u', 'loose.tss', '-r', 'loose.priv', '-a', 'sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth');
  tpm.run('load', '-C', 'parent.ctx', '-u', 'loose.tss', '-r', 'loose.priv', '-c', 'loose.ctx');
  tpm.quote('loose', 'loose');
  assertRefused({ ...parts('loose'), certs: tpm.file('loose.tss') }, 'ERR_TPM_KEY', /restricted/);
  assertRefused({ ...parts('p256'), certs: tpm.file('p256.ekpub') }, 'ERR_TPM_KEY', /decrypt/);
});

test('all parts in one JSON text', { skip }, () => {
  const part = (name) => readFileSync(tpm.file(name)).toString('base64url');
  const evidence = { attest: part('p256.msg'), signature: part('p256.sig'), public: part('p256.pub'), pcrs: part('p256.pcrs'), event_log: part('log') };
  writeFileSync(tpm.file('evidence.json'), JSON.stringify(evidence));
  const seen = judge({ file: tpm.file('evidence.json'), certs: tpm.file('p256.pub') });
  assert.deepEqual([seen.exit, seen.claims?.event_log], [0, true], seen.reason);
  assertRefused({ file: tpm.file('evidence.json') }, 'ERR_TPM_KEY', /key/);
  writeFileSync(tpm.file('evidence.json'), JSON.stringify({ ...evidence, extra: 1 }));
  assertRefused({ file: tpm.file('evidence.json'), certs: tpm.file('p256.pub') }, 'ERR_FIELD_UNKNOWN', /extra/);
});
