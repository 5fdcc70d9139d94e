// SPDX-License-Identifier: Apache-2.0
//
// The chain statement (docs/protocols.md, section 6) and the proof of freshness (section 5): both signed by the
// platform's attested signing key.

import { textHash } from './encoding.js';
import { Fields, said } from './json.js';
import { parseJws, TYP_PROOF, TYP_STATEMENT, verifyJws } from './jws.js';
import type { Ledger } from './ledger.js';
import type { PublicKey } from './keys.js';
import type { Manifest } from './manifest.js';
import { isOlder, type Head, type Seen } from './memory.js';
import { Refusal } from './refusal.js';
import { THUMBPRINT } from './runtime.js';
import { CLOCK_SLACK_S } from './token.js';

export const STATEMENT_MAX_LIFE_S = 600;

export interface Hop {
  readonly service: string;
  readonly token: string | null;
  readonly key: string | null;
  readonly verdict: 'accepted' | 'refused' | 'unreachable';
  readonly reason: string;
  readonly code: string;
  readonly checked: number;
}

export interface Statement {
  /** base64url SHA-256 of the JWS text: what each sealed request names */
  readonly hash: string;
  readonly issued: number;
  readonly expires: number;
  readonly heads: readonly Head[];
  readonly hops: readonly Hop[];
}

const CODE = 'ERR_TOKEN_CLAIM';
const STORE = /^[\w-]{1,64}$/;

function hop(fields: Fields): Hop {
  return {
    service: fields.text('service', /^.{1,32}$/),
    token: fields.textOrNull('token'),
    key: fields.textOrNull('key'),
    verdict: fields.text('verdict', /^(accepted|refused|unreachable)$/) as Hop['verdict'],
    reason: fields.text('reason').slice(0, 500),
    code: fields.text('code', /^(OK|ERR_[A-Z_]{1,40})$/),
    checked: fields.integer('checked'),
  };
}

function head(fields: Fields): Head {
  return {
    store: fields.text('store', STORE),
    generation: fields.integer('generation'),
    head: fields.text('head', /^.{1,64}$/),
  };
}

/** Reads the statement's members. Not one of them is to be believed before `checkStatement` is through. */
async function read(text: string, fields: Fields): Promise<Statement> {
  return {
    hash: await textHash(text),
    issued: fields.integer('iat'),
    expires: fields.integer('exp'),
    heads: fields.fieldsList('heads', 16).map(head),
    hops: fields.fieldsList('hops', 8).map(hop),
  };
}

function checkAge(statement: Statement, now: number, ledger: Ledger): void {
  const { issued, expires } = statement;
  const life = { seconds: STATEMENT_MAX_LIFE_S };
  ledger.require(
    expires - issued <= STATEMENT_MAX_LIFE_S, 'statement.age', 'ERR_TOKEN_CLAIM', life, { seconds: expires - issued });
  ledger.require(
    issued <= now + CLOCK_SLACK_S, 'statement.age', 'ERR_TOKEN_NOT_YET_VALID', { word: 'begun' }, { at: issued });
  ledger.require(
    now < expires, 'statement.age', 'ERR_TOKEN_EXPIRED', life, { seconds: Math.max(0, now - issued) });
}

/** No store is older than it was, and none that this browser knows is missing: that is how a store set back to nothing shows. A
 *  platform whose store is locked shows none at all. */
function checkHeads(heads: readonly Head[], seen: Seen, ledger: Ledger): void {
  for (const [store, before] of Object.entries(seen.heads)) {
    const item = heads.find((head) => head.store === store);
    if (item !== undefined && !isOlder(before, item)) continue;
    ledger.require(
      false, 'statement.heads', heads.length === 0 ? 'ERR_STORE_LOCKED' : 'ERR_STORE_ROLLBACK', `${before.generation} ${before.head}`,
      item === undefined ? { word: 'absent' } : `${item.generation} ${item.head}`);
  }
  ledger.passed('statement.heads', { word: 'notSetBack' }, heads.map((item) => String(item.generation)).join(', '));
}

/** Verifies the statement's signature, audience, age, deployment, manifest and store heads. */
export async function checkStatement(
  text: unknown, signer: PublicKey, manifest: Manifest, seen: Seen, now: number, ledger: Ledger,
): Promise<Statement> {
  const valid = { word: 'signatureValid' };
  const fields = await ledger.step('statement.signature', valid, () => valid, async () => {
    const jws = parseJws(text, 'statement');
    await verifyJws(jws, TYP_STATEMENT, signer);
    if (jws.header.kid !== signer.thumbprint) {
      throw new Refusal('ERR_TOKEN_KEY_BINDING', 'kid', signer.thumbprint, said(jws.header.kid));
    }
    return Fields.of(jws.payload, '', CODE);
  });
  await ledger.step('statement.audience', 'portal', () => 'portal', () => fields.text('aud', /^portal$/));
  const statement = await read(text as string, fields);
  checkAge(statement, now, ledger);
  const deployment = fields.text('deployment', THUMBPRINT);
  ledger.require(
    deployment === manifest.deployment, 'statement.deployment', 'ERR_TOKEN_DEPLOYMENT', manifest.deployment, deployment);
  const named = `${fields.integer('manifest_version')} ${fields.text('manifest_hash', THUMBPRINT)}`;
  const own = `${manifest.version} ${manifest.hash}`;
  ledger.require(named === own, 'statement.manifest', 'ERR_MANIFEST_OLD', own, named);
  checkHeads(statement.heads, seen, ledger);
  return statement;
}

export interface ProofExpectation {
  readonly signer: PublicKey;
  readonly nonce: string;
  readonly token: string;
  readonly statement: string;
  readonly now: number;
}

/** Verifies that the enclave itself answered just now, with this token and this statement. */
export async function checkProof(text: unknown, expected: ProofExpectation, ledger: Ledger): Promise<void> {
  const valid = { word: 'signatureValid' };
  const proof = await ledger.step('proof.signature', valid, () => valid, async () => {
    const jws = parseJws(text, 'proof');
    await verifyJws(jws, TYP_PROOF, expected.signer);
    return Fields.of(jws.payload, '', CODE);
  });
  const [nonce, issued] = [proof.text('nonce'), proof.integer('iat')];
  ledger.require(nonce === expected.nonce, 'proof.fresh', 'ERR_TOKEN_NONCE', expected.nonce, nonce);
  const away = Math.abs(expected.now - issued);
  const code = issued > expected.now ? 'ERR_TOKEN_NOT_YET_VALID' : 'ERR_TOKEN_EXPIRED';
  ledger.require(away <= CLOCK_SLACK_S, 'proof.fresh', code, { seconds: CLOCK_SLACK_S }, { seconds: away });
  const named = `${proof.text('token_hash')} ${proof.text('statement_hash')}`;
  const own = `${await textHash(expected.token)} ${await textHash(expected.statement)}`;
  ledger.require(named === own, 'proof.hashes', 'ERR_TOKEN_KEY_BINDING', own, named);
}
