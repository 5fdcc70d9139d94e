// SPDX-License-Identifier: Apache-2.0
//
// Thousands of spoilt inputs for everything that reads what somebody else wrote. Each reader gives an answer or its own
// refusal, never another error; what was changed after it was signed is never accepted; and nothing reaches a prototype.

import './support/webcrypto.js';
import assert from 'node:assert/strict';
import { afterEach, before, test } from 'node:test';
import { Deployment, sign, type Bend } from './support/deployment.js';
import { bent, misspelt, NASTY, Random, spoilt } from './support/mutate.js';
import * as answers from '../src/app/answers.js';
import { findingOf, readingOf, verdictOf } from '../src/app/reading.js';
import { nameOf, telecom } from '../src/app/fhir.js';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../src/channel/bhttp.js';
import { encapsulate, parseKeyConfig } from '../src/channel/ohttp.js';
import { jsonBody, problemOf } from '../src/channel/problem.js';
import { SealedChannel } from '../src/channel/sealed.js';
import { verifyChain, type ChainReport } from '../src/trust/chain.js';
import { base64url, fromBase64, fromBase64url, utf8 } from '../src/trust/encoding.js';
import type { Send } from '../src/trust/fetching.js';
import { jsonOf } from '../src/trust/fetching.js';
import { parseJws } from '../src/trust/jws.js';
import { publicKey, publicKeySet } from '../src/trust/keys.js';
import { Ledger } from '../src/trust/ledger.js';
import { verifyManifest } from '../src/trust/manifest.js';
import { isOlder, NOTHING_SEEN, parseSeen, remember } from '../src/trust/memory.js';
import { checkReceipt } from '../src/trust/receipt.js';
import { Refusal } from '../src/trust/refusal.js';
import { runtimeData } from '../src/trust/runtime.js';
import { checkProof, checkStatement } from '../src/trust/statement.js';
import { checkToken } from '../src/trust/token.js';
import { runtimeOf } from './support/deployment.js';

const SEED = Number(process.env.FUZZ_SEED ?? 20261122);
const MANY = Number(process.env.FUZZ_ROUNDS ?? 400);
const FEW = Math.ceil(MANY / 10);

let deployment: Deployment;
before(async () => {
  deployment = await Deployment.make();
});
afterEach(() => {
  assert.equal(({} as Record<string, unknown>).polluted, undefined, 'a prototype was written to');
});

/** Whether it was taken; anything but a refusal fails the test, with the round that shows it again. */
async function taken(round: number, run: () => unknown): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (thrown) {
    if (thrown instanceof Refusal) return false;
    assert.fail(`round ${round} of seed ${SEED}: ${(thrown as Error)?.stack ?? String(thrown)}`);
  }
}

async function rounds(count: number, run: (random: Random, round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < count; round++) await run(new Random(SEED + round * 7919), round);
}

const answer = (value: unknown) => ({ status: 200, headers: [['content-type', 'application/json']] as const, body: utf8(JSON.stringify(value)) });

test('JWS texts', () => rounds(MANY, async (random, round) => {
  const text = random.below(2) === 0 ? misspelt(deployment.manifest(), random)
    : [0, 1, 2].map(() => base64url(utf8(JSON.stringify(spoilt({ alg: 'ES256', typ: 'JWT', kid: 'x' }, random))))).join('.');
  await taken(round, () => parseJws(text, 'jws'));
  await taken(round, () => parseJws(random.of(NASTY), 'jws'));
}));

test('a manifest that was changed after it was signed', () => rounds(FEW, async (random, round) => {
  const text = misspelt(deployment.manifest(), random);
  const ok = await taken(round, () => verifyManifest(text, deployment.root.thumbprint));
  assert.ok(!ok || text.trim() === deployment.manifest(), `round ${round}`);
}));

test('signed manifests with anything in them', () => rounds(FEW, async (random, round) => {
  const header = { typ: 'lazaret-manifest+jwt', jwk: deployment.root.jwk };
  const text = await sign(spoilt(deployment.manifestPayload(), random) as never, header, deployment.root);
  await taken(round, () => verifyManifest(text, deployment.root.thumbprint));
}));

test('keys and key sets', () => rounds(MANY, async (random, round) => {
  const set = spoilt({ keys: [deployment.root.jwk, deployment.issuerKey.jwk, deployment.platform.hpke!.jwk, { kty: 'RSA', x5c: ['AAAA'] }] }, random);
  await taken(round, () => publicKeySet(set as never, 'keys', 'ERR_MANIFEST'));
  await taken(round, () => publicKey(random.of(NASTY), 'key', 'ERR_MANIFEST'));
}));

test('runtime data', () => rounds(MANY / 3, async (random, round) => {
  await taken(round, () => runtimeData(spoilt(runtimeOf(deployment.platform, deployment.root.thumbprint), random)));
}));

async function rulesOf() {
  return verifyManifest(await deployment.remake(), deployment.root.thumbprint);
}

test('tokens: signed with anything in them, and changed after signing', async () => {
  const manifest = await rulesOf();
  const role = manifest.roles.get('platform')!;
  const good = await deployment.token(deployment.platform);
  const check = (text: unknown) => checkToken(text, manifest.rules, { role, use: 'sign', nonce: 'n', now: deployment.now });
  await rounds(FEW, async (random, round) => {
    const payload = JSON.parse(Buffer.from(good.split('.')[1]!, 'base64url').toString());
    const signed = await sign(spoilt(payload, random), { typ: 'JWT', kid: 'issuer-1' }, deployment.issuerKey);
    await taken(round, () => check(signed));
    const changed = misspelt(good, random);
    assert.ok(!(await taken(round, () => check(changed))), `round ${round}`);
  });
});

test('statements and proofs: signed with anything in them, and changed after signing', async () => {
  const manifest = await rulesOf();
  const statement = await deployment.statement();
  const evidence = await deployment.evidence('n', statement);
  const signer = await publicKey(deployment.platform.sign.jwk, 'sign', 'ERR_TOKEN_CLAIM');
  const own = (text: string) => JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString());
  const expected = { signer, nonce: 'n', token: evidence.token as string, statement, now: deployment.now };
  await rounds(FEW, async (random, round) => {
    const kid = deployment.platform.sign.thumbprint;
    const spoiltStatement = await sign(spoilt(own(statement), random), { typ: 'lazaret-statement+jwt', kid }, deployment.platform.sign);
    await taken(round, () => checkStatement(spoiltStatement, signer, manifest, NOTHING_SEEN, deployment.now, new Ledger()));
    const spoiltProof = await sign(spoilt(own(evidence.proof as string), random), { typ: 'lazaret-evidence-proof+jwt' }, deployment.platform.sign);
    await taken(round, () => checkProof(spoiltProof, expected, new Ledger()));
    const changed = misspelt(statement, random);
    assert.ok(!(await taken(round, () => checkStatement(changed, signer, manifest, NOTHING_SEEN, deployment.now, new Ledger()))));
    assert.match(await checkReceipt(spoiltProof, signer), /^(bad|other-key)$/);
  });
});

test('the whole chain against a platform and an attestation service that say anything: a report comes always', async () => {
  await deployment.remake();
  await rounds(FEW, async (random, round) => {
    const spoil: Bend = { payload: { [random.of(['iss', 'iat', 'nonce', 'x-ms-runtime', 'x-ms-sgx-mrenclave', 'x-lazaret-tcb-status'])]: random.of(NASTY) } };
    deployment.platformBend = random.below(3) === 0 ? spoil : {};
    deployment.freshBend = random.below(3) === 0 ? spoil : {};
    deployment.statementBend = random.below(3) === 0 ? { payload: { [random.of(['heads', 'hops', 'iat', 'exp', 'aud'])]: random.of(NASTY) } } : {};
    const send: Send = async (url, question) => {
      const { pathname, searchParams } = new URL(url);
      let value: unknown;
      if (pathname === '/manifest.jws') return { status: 200, type: '', body: utf8(deployment.manifest()) };
      if (question.method === 'GET') value = await deployment.evidence(searchParams.get('nonce')!, await deployment.statement());
      else value = await deployment.appraise(JSON.parse(Buffer.from(question.body!).toString()).nonce);
      const way = random.below(4);
      if (way === 0) value = spoilt(value, random);
      const body = utf8(JSON.stringify(value));
      return { status: way === 1 ? 200 + random.below(400) : 200, type: 'application/json', body: way === 2 ? bent(body, random) : body };
    };
    let report: ChainReport;
    try {
      report = await verifyChain({ trust: deployment.trust, send, memory: { load: () => NOTHING_SEEN, save: () => true }, now: () => deployment.now });
    } catch (thrown) {
      assert.fail(`round ${round} of seed ${SEED}: ${(thrown as Error).stack}`);
    }
    assert.ok(report.accepted !== undefined || report.failed !== undefined, `round ${round}: neither accepted nor a reason`);
    assert.ok(report.accepted === undefined || report.failed === undefined, `round ${round}: accepted in spite of a row`);
  });
  Object.assign(deployment, { platformBend: {}, freshBend: {}, statementBend: {} });
});

test('binary HTTP', () => rounds(MANY, async (random, round) => {
  const response = encodeResponse({ status: 200, headers: [['content-type', 'a/b'], ['etag', 'W/"1"']], body: random.bytes(random.below(200)) });
  await taken(round, () => decodeResponse(bent(response, random)));
  await taken(round, () => decodeResponse(random.bytes(random.below(64))));
  const request = encodeRequest({ method: 'GET', scheme: 'https', authority: 'platform', path: '/x', headers: [['a', 'b']], body: random.bytes(9) });
  await taken(round, () => decodeRequest(bent(request, random)));
}));

test('key configurations, and sealing to them', () => rounds(FEW * 3, async (random, round) => {
  const config = random.below(4) === 0 ? random.bytes(random.below(60)) : bent(deployment.platform.hpke!.config, random);
  if (random.below(5) === 0) config.fill(random.of([0, 1, 255]), 3, 35); // points whose shared secret everybody knows
  await taken(round, () => parseKeyConfig(config));
  await taken(round, () => encapsulate(config, utf8('secret')));
}));

test('sealed answers that do not open', () => rounds(FEW, async (random, round) => {
  const { open } = await encapsulate(deployment.platform.hpke!.config, utf8('secret'));
  assert.ok(!(await taken(round, () => open(random.bytes(random.below(200))))));
}));

test('what comes in place of a sealed answer', () => rounds(FEW, async (random, round) => {
  let asked = 0;
  const channel = new SealedChannel({
    send: async () => {
      asked++;
      const body = random.below(2) === 0 ? random.bytes(random.below(99)) : utf8(JSON.stringify(spoilt({ type: 'x', title: 't', status: 400 }, random)));
      return { status: random.of([200, 204, 304, 400, 409, 500]), type: random.of(['message/ohttp-res', 'text/html', 'application/problem+json', '']), body };
    },
    now: () => deployment.now, session: () => undefined, verifyAgain: async () => undefined,
    accepted: () => ({
      platform: 'https://platform.test', keyThumbprint: 'T', keyConfig: deployment.platform.hpke!.config, statementHash: 'h', until: deployment.now + 60,
    }),
  });
  assert.ok(!(await taken(round, () => channel.send({ method: 'GET', path: '/inbox' }))));
  assert.ok(asked <= 3, 'it gives up');
}));

test('problem documents', () => rounds(MANY, async (random, round) => {
  const document = random.below(2) === 0
    ? { type: 't', title: 't', status: 400, code: 'ERR_X', field: 'f', seen: 's', expected: 'e', fix: 'f', detail: 'd' }
    : { resourceType: 'OperationOutcome', issue: [{ diagnostics: 'd', expression: ['e'], details: { text: 't', coding: [{ code: 'c' }] } }] };
  const problem = problemOf({ ...answer(spoilt(document, random)), status: 400 });
  for (const value of Object.values(problem)) assert.ok(['string', 'number'].includes(typeof value), `round ${round}`);
  jsonBody(bent(answer(document).body, random));
}));

const DOCUMENTS: Record<string, [unknown, (response: ReturnType<typeof answer>) => unknown]> = {
  session: [{ session: 's', expires: 9, user: { id: 'a', user: 'u', name: 'n', role: 'clerk' } }, answers.signedIn],
  accounts: [{ accounts: [{ id: 'a', user: 'u', name: 'n', role: 'clerk' }] }, answers.accountsIn],
  inbox: [{ messages: [{ id: 'm', kind: 'result', patient: 'Patient/p', report: 'r', sent: '2026-01-01T00:00:00Z', acknowledged: 5 }] }, answers.messagesIn],
  staged: [{ film: 'f', part_size: 1048576, parts: 3 }, (response) => answers.stagedIn(response, 2500000)],
  received: [{ film: 'f', received: [0, 1] }, (response) => answers.receivedIn(response, 3)],
  complete: [{ film: 'f', study: 's', format: 'png', width: 2, height: 3 }, answers.completeIn],
  registered: [{ resourceType: 'Bundle', entry: [{ response: { location: 'Patient/1/_history/1' } }] }, answers.patientIn],
  found: [{ resourceType: 'Bundle', entry: [{ resource: { resourceType: 'Patient', name: [{ family: 'F', given: ['G'] }], telecom: [{ system: 'phone', value: '1' }] } }] },
    (response) => answers.resourcesIn(response).forEach((item) => assert.equal(typeof (nameOf(item) + telecom(item, 'phone')), 'string'))],
  reading: [{ resourceType: 'DiagnosticReport', id: 'r', status: 'preliminary', subject: { reference: 'Patient/p' }, imagingStudy: [{ reference: 'ImagingStudy/s' }],
    extension: [{ url: 'urn:lazaret:fhir:model', extension: [{ url: 'name', valueString: 'm' }, { url: 'threshold', valueDecimal: 0.5 }] }, { url: 'urn:lazaret:fhir:heatmap', valueBase64Binary: 'AAAA' }] },
  (response) => verdictOf(readingOf(answers.resourceIn(response, 'DiagnosticReport')), undefined)],
  observation: [{ resourceType: 'Observation', valueQuantity: { value: 0.3 }, interpretation: [{ coding: [{ code: 'POS' }] }] },
    (response) => findingOf(answers.resourceIn(response, 'Observation'))],
};

for (const [name, [document, read]] of Object.entries(DOCUMENTS)) {
  test(`answers inside the channel: ${name}`, async () => {
    assert.ok(await taken(-1, () => read(answer(document))), 'the good one is taken');
    await rounds(MANY, async (random, round) => {
      await taken(round, () => read(answer(spoilt(document, random))));
      if (round % 4 === 0) await taken(round, () => read({ ...answer(0), body: bent(answer(document).body, random) }));
    });
  });
}

test('staged parts are exactly those that the film makes', async () => {
  for (const parts of [0, 2, 4, 1e9]) assert.ok(!(await taken(0, () => answers.stagedIn(answer({ film: 'f', part_size: 1048576, parts }), 2500000))));
  for (const size of [0, -1, 2 ** 40]) assert.ok(!(await taken(0, () => answers.stagedIn(answer({ film: 'f', part_size: size, parts: 1 }), 2500000))));
});

test('lists and texts that are too long are refused, not cut', async () => {
  const entry = Array.from({ length: answers.ENTRY_MAX_COUNT + 1 }, () => ({ resource: { resourceType: 'Patient' } }));
  assert.ok(!(await taken(0, () => answers.resourcesIn(answer({ resourceType: 'Bundle', entry })))));
  assert.ok(await taken(0, () => answers.resourcesIn(answer({ resourceType: 'Bundle', entry: entry.slice(1) }))));
  assert.ok(!(await taken(0, () => answers.objectIn({ headers: [], body: new Uint8Array(answers.JSON_MAX_BYTES + 1).fill(0x20) }, 'body'))));
});

test('10,000 levels', async () => {
  const text = '{"a":'.repeat(10000) + '1' + '}'.repeat(10000);
  await taken(0, () => jsonOf({ status: 200, type: 'application/json', body: utf8(text) }, 'x'));
  await taken(0, () => answers.resourceIn({ status: 200, headers: [], body: utf8(text) }, 'Patient'));
  await taken(0, () => jsonOf({ status: 200, type: '', body: utf8('['.repeat(1000000)) }, 'x'));
});

function png(width: number, height: number, length = 64): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  new DataView(bytes.buffer).setUint32(16, width);
  new DataView(bytes.buffer).setUint32(20, height);
  return bytes;
}

test('pictures: only PNG, and no larger than was asked for', async () => {
  assert.ok(await taken(0, () => answers.pictureIn(png(2048, 16), 2048)));
  for (const [width, height] of [[2049, 16], [16, 2049], [0, 16], [16, 0], [0xffffffff, 1]]) {
    assert.ok(!(await taken(0, () => answers.pictureIn(png(width!, height!), 2048))), `${width} x ${height}`);
  }
  assert.ok(!(await taken(0, () => answers.pictureIn(utf8(`<svg xmlns="http://www.w3.org/2000/svg">${' '.repeat(40)}</svg>`), 2048))));
  await rounds(MANY, async (random, round) => {
    await taken(round, () => answers.pictureIn(bent(png(16, 16), random), 2048));
  });
});

test('base64 of any letters', () => rounds(MANY, async (random, round) => {
  const text = Array.from({ length: random.below(20) }, () => random.of([...'AZaz09-_+/= \n\u0000é😀'])).join('');
  await taken(round, () => fromBase64url(text, 'x'));
  await taken(round, () => fromBase64(text, 'x'));
}));

test('what this browser noted: whatever is stored, it never lets older records pass that it can read', () => rounds(MANY, async (random, round) => {
  const noted = { manifestVersion: 4, heads: { records: { generation: 7, head: 'h' } }, since: 5 };
  const seen = parseSeen(random.below(2) === 0 ? JSON.stringify(spoilt(noted, random)) : misspelt(JSON.stringify(noted), random));
  for (const mark of Object.values(seen.heads)) {
    assert.ok(isOlder(mark, { generation: mark.generation - 1, head: mark.head }), `round ${round}`);
    assert.ok(isOlder(mark, { generation: mark.generation, head: `${mark.head}x` }), `round ${round}`);
  }
  const after = remember(seen, 2, [{ store: 'records', generation: 3, head: 'old' }], 9);
  assert.ok(after.manifestVersion >= seen.manifestVersion);
  const [before, now] = [seen.heads.records, after.heads.records];
  assert.ok(before === undefined || now!.generation >= before.generation, `round ${round}`);
}));
