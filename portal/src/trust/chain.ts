// SPDX-License-Identifier: Apache-2.0
//
// The whole check (architecture, sections 1 and 5.6): manifest, the platform's evidence under our own nonce, a fresh
// appraisal by the attestation service, the chain statement, and each hop's token against the manifest. The answer holds
// every row that was checked; only a report whose `accepted` is there lets data be entered.

import { parseKeyConfig } from '../channel/ohttp.js';
import { base64url, fromBase64url, randomBytes, sameBytes, textOf, utf8, type Bytes } from './encoding.js';
import { jsonOf, type Send } from './fetching.js';
import { said } from './json.js';
import { Ledger, type Check } from './ledger.js';
import { roleRule, verifyManifest, type Manifest } from './manifest.js';
import { remember, type Memory } from './memory.js';
import { Refusal } from './refusal.js';
import { checkProof, checkStatement, type Hop, type Statement } from './statement.js';
import { checkToken, type TokenClaims } from './token.js';

export interface TrustFile {
  /** the hospital's name, for people */
  readonly hospital: string;
  /** thumbprint of the deployment key */
  readonly deployment: string;
  /** origins and addresses */
  readonly platform: string;
  readonly attestation: string;
  readonly manifest: string;
}

export type SubjectName = 'manifest' | 'platform' | 'gate' | 'diagnosis';

export interface Subject {
  readonly name: SubjectName;
  readonly verdict: 'accepted' | 'refused' | 'unreachable' | 'unknown';
  readonly checks: readonly Check[];
  readonly claims?: TokenClaims;
  /** when the proof was made, by its own word */
  readonly proven?: number;
  /** for a hop: what the platform says of it */
  readonly hop?: Hop;
}

/** What a sealed request needs: all of it from verified tokens. */
export interface Accepted {
  readonly platform: string;
  readonly keyThumbprint: string;
  readonly keyConfig: Bytes;
  readonly statementHash: string;
  /** the statement's end, by the browser's clock; nothing is sealed under it later */
  readonly until: number;
}

/** What this browser notes of an accepted chain, for the next one to be held to. */
export interface Noted {
  readonly since: number;
  readonly kept: boolean;
}

export interface ChainReport {
  readonly at: number;
  readonly subjects: readonly Subject[];
  readonly simulated: boolean;
  readonly version?: string;
  readonly accepted?: Accepted;
  /** since when this browser watches for what was set back, and whether it can note what it saw just now */
  readonly memory?: Noted;
  /** first row that does not hold */
  readonly failed?: { readonly subject: SubjectName; readonly check: Check };
}

export interface ChainOptions {
  readonly trust: TrustFile;
  readonly send: Send;
  readonly memory: Memory;
  readonly now: () => number;
}

const NONCE_BYTES = 32;
const EVIDENCE_MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 15000;
const HOPS: readonly SubjectName[] = ['gate', 'diagnosis'];

interface Evidence {
  readonly evidence: string;
  readonly runtimeData: string;
  readonly token: string;
  readonly statement: string;
  readonly proof: string;
}

async function get(options: ChainOptions, url: string) {
  const answer = await options.send(url, { method: 'GET', maximum: EVIDENCE_MAX_BYTES, timeoutMs: TIMEOUT_MS });
  if (answer.status !== 200) throw new Refusal('ERR_HTTP_STATUS', 'status', '200', String(answer.status));
  return answer;
}

async function readManifest(options: ChainOptions, ledger: Ledger): Promise<Manifest> {
  const valid = { word: 'signatureValid' };
  const { deployment, manifest: url } = options.trust;
  const manifest = await ledger.step('manifest.signature', valid, () => valid, async () => {
    const answer = await get(options, url);
    return verifyManifest(textOf(answer.body, 'manifest'), deployment);
  });
  const highest = options.memory.load().manifestVersion;
  ledger.require(
    manifest.version >= highest, 'manifest.version', 'ERR_MANIFEST_OLD', `>= ${highest}`, String(manifest.version));
  return manifest;
}

async function readEvidence(options: ChainOptions, nonce: string, ledger: Ledger): Promise<Evidence> {
  const url = `${options.trust.platform}/.well-known/lazaret/attestation?nonce=${nonce}`;
  return ledger.step('evidence.reachable', options.trust.platform, () => options.trust.platform, async () => {
    const body = jsonOf(await get(options, url), 'evidence');
    const text = (name: string) => {
      const value = body[name];
      if (typeof value !== 'string') throw new Refusal('ERR_TOKEN_MISSING', name, { word: 'present' }, { word: 'absent' });
      return value;
    };
    return {
      evidence: text('evidence'), runtimeData: text('runtimeData'), token: text('token'), statement: text('statement'),
      proof: text('proof'),
    };
  });
}

/** Asks the attestation service for a fresh appraisal of the evidence under a nonce of our own. */
async function appraise(options: ChainOptions, evidence: Evidence, nonce: string, ledger: Ledger): Promise<string> {
  const url = `${options.trust.attestation}/attest/SgxEnclave?api-version=2022-08-01`;
  const runtimeData = { data: evidence.runtimeData, dataType: 'JSON' };
  const body = utf8(JSON.stringify({ quote: evidence.evidence, runtimeData, nonce }));
  const whom = options.trust.attestation;
  return ledger.step('appraisal.answer', whom, () => whom, async () => {
    const answer = await options.send(url, {
      method: 'POST', type: 'application/json', body, maximum: EVIDENCE_MAX_BYTES, timeoutMs: TIMEOUT_MS,
    });
    if (answer.status !== 200) throw new Refusal('ERR_HTTP_STATUS', 'status', '200', String(answer.status));
    const { token } = jsonOf(answer, 'token');
    if (typeof token !== 'string') throw new Refusal('ERR_TOKEN_MISSING', 'token');
    return token;
  });
}

/** The fresh token must be of the same enclave with the same keys as the one that the platform carries about. */
function requireSameKeys(own: TokenClaims, fresh: TokenClaims, ledger: Ledger): void {
  const keys = (claims: TokenClaims) =>
    (['sign', 'hpke', 'tls'] as const).map((use) => claims.runtime.keys[use]?.thumbprint ?? '-').join(' ');
  const same = keys(own) === keys(fresh) && own.mrenclave === fresh.mrenclave;
  ledger.require(same, 'appraisal.keys', 'ERR_TOKEN_KEY_BINDING', keys(own), keys(fresh));
}

/** The key for sealing comes from the verified token alone, and its two forms there must agree. */
function sealingKey(claims: TokenClaims, ledger: Ledger): { keyConfig: Bytes; keyThumbprint: string } {
  const { ohttp, keys } = claims.runtime;
  const { hpke } = keys;
  const agrees =
    ohttp !== undefined &&
    hpke !== undefined &&
    sameBytes(parseKeyConfig(ohttp).publicKey, fromBase64url(hpke.jwk.x ?? '', 'hpke'));
  const named = hpke?.thumbprint ?? '-';
  ledger.require(agrees, 'channel.key', 'ERR_TOKEN_KEY_BINDING', named, agrees ? named : '-');
  return { keyConfig: ohttp as Bytes, keyThumbprint: named };
}

interface Platform {
  readonly claims: TokenClaims;
  readonly statement: Statement;
  readonly key: { keyConfig: Bytes; keyThumbprint: string };
}

async function checkPlatform(options: ChainOptions, manifest: Manifest, ledger: Ledger): Promise<Platform> {
  const [asked, appraisal] = [base64url(randomBytes(NONCE_BYTES)), base64url(randomBytes(NONCE_BYTES))];
  const role = roleRule(manifest, 'platform');
  const evidence = await readEvidence(options, asked, ledger);
  const now = options.now();
  const own = await checkToken(evidence.token, manifest.rules, { role, use: 'sign', now }, ledger);
  const signer = own.runtime.keys.sign;
  if (signer === undefined) ledger.require(false, 'proof.signature', 'ERR_TOKEN_KEY_BINDING', 'sign', '-');
  const { token, statement: text, proof } = evidence;
  const attested = signer as NonNullable<typeof signer>;
  await checkProof(proof, { signer: attested, nonce: asked, token, statement: text, now }, ledger);
  const freshText = await appraise(options, evidence, appraisal, ledger);
  const fresh = new Ledger();
  const expectation = { role, use: 'sign' as const, presented: attested.thumbprint, nonce: appraisal, now: options.now() };
  const claims = await checkFresh(freshText, manifest, expectation, fresh, ledger);
  requireSameKeys(own, claims, ledger);
  const key = sealingKey(claims, ledger);
  const statement = await checkStatement(text, attested, manifest, options.memory.load(), options.now(), ledger);
  return { claims, statement, key };
}

/** The fresh token passes the same routine; of its rows only the nonce is news, unless one of them fails. */
async function checkFresh(
  text: string, manifest: Manifest, expectation: Parameters<typeof checkToken>[2], fresh: Ledger, ledger: Ledger,
): Promise<TokenClaims> {
  try {
    return await checkToken(text, manifest.rules, expectation, fresh);
  } finally {
    ledger.checks.push(...fresh.checks.filter((check) => !check.ok || check.id === 'token.nonce'));
  }
}

/** A hop's own token is verified here as well: the platform's word alone is not enough. */
async function checkHop(hop: Hop, manifest: Manifest, now: number, ledger: Ledger): Promise<TokenClaims | undefined> {
  if (hop.verdict === 'unreachable' && hop.service === 'gate') {
    ledger.passed('hop.verdict', { word: 'acceptedOrAway' }, { word: 'away' });
    return undefined;
  }
  const code = hop.verdict === 'unreachable' ? 'ERR_CONNECT' : 'ERR_PEER_REFUSED';
  const seen = hop.code === 'OK' ? hop.verdict : `${hop.verdict}: ${hop.code}`;
  ledger.require(hop.verdict === 'accepted', 'hop.verdict', code, { word: 'accepted' }, seen);
  const role = roleRule(manifest, hop.service);
  return checkToken(hop.token, manifest.rules, { role, use: 'tls', presented: hop.key ?? '-', now }, ledger);
}

async function hopSubject(name: SubjectName, statement: Statement, manifest: Manifest, now: number): Promise<Subject> {
  const ledger = new Ledger();
  const named = statement.hops.filter((item) => item.service === name);
  const hop = named[0];
  let claims: TokenClaims | undefined;
  try {
    ledger.require(named.length === 1, 'statement.hops', 'ERR_STATEMENT_HOPS', '1', String(named.length));
    claims = await checkHop(hop as Hop, manifest, now, ledger);
  } catch (thrown) {
    noteFailure(ledger, thrown);
  }
  const away = hop?.verdict === 'unreachable';
  const verdict = ledger.failed !== undefined && !away ? 'refused' : away ? 'unreachable' : 'accepted';
  return {
    name, verdict, checks: ledger.checks, ...(claims ? { claims, proven: claims.issued } : {}), ...(hop ? { hop } : {}),
  };
}

/** Every refusal leaves a row, also one thrown outside a step. */
function noteFailure(ledger: Ledger, thrown: unknown): void {
  if (ledger.failed !== undefined) return;
  const { code, expected, seen } = thrown instanceof Refusal ? thrown : new Refusal('ERR_CONFIG', '', '', said(thrown));
  ledger.checks.push({ id: 'token.claims', ok: false, code, expected, seen });
}

function report(at: number, subjects: Subject[], rest: Partial<ChainReport>): ChainReport {
  const failing = subjects.find((subject) => subject.checks.some((check) => !check.ok));
  const check = failing?.checks.find((item) => !item.ok);
  const simulated = subjects.some((subject) => subject.claims?.simulated === true);
  const failed = failing !== undefined && check !== undefined ? { failed: { subject: failing.name, check } } : {};
  return { at, subjects, simulated, ...rest, ...failed };
}

function unknown(names: readonly SubjectName[]): Subject[] {
  return names.map((name) => ({ name, verdict: 'unknown', checks: [] }));
}

function refusedVerdict(ledger: Ledger): Subject['verdict'] {
  const code = ledger.failed?.code;
  const reached = ledger.failed?.id !== 'evidence.reachable';
  return !reached && (code === 'ERR_CONNECT' || code === 'ERR_TIMEOUT') ? 'unreachable' : 'refused';
}

/** Until when requests may be sealed under this report. */
function acceptedOf(options: ChainOptions, platform: Platform, hops: Subject[]): Accepted {
  const until = Math.min(
    platform.statement.expires, platform.claims.validUntil,
    ...hops.flatMap((hop) => (hop.claims === undefined ? [] : [hop.claims.validUntil])));
  return {
    ...platform.key, platform: options.trust.platform, statementHash: platform.statement.hash, until,
  };
}

function notedIn(options: ChainOptions, manifest: Manifest, statement: Statement): Noted {
  const noted = remember(options.memory.load(), manifest.version, statement.heads, options.now());
  return { since: noted.since, kept: options.memory.save(noted) };
}

/** Runs every check. Never throws: the report says what does not hold. */
export async function verifyChain(options: ChainOptions): Promise<ChainReport> {
  const [manifestLedger, platformLedger] = [new Ledger(), new Ledger()];
  let manifest: Manifest;
  try {
    manifest = await readManifest(options, manifestLedger);
  } catch (thrown) {
    noteFailure(manifestLedger, thrown);
    const refused: Subject = { name: 'manifest', verdict: 'refused', checks: manifestLedger.checks };
    return report(options.now(), [refused, ...unknown(['platform', ...HOPS])], {});
  }
  const first: Subject = {
    name: 'manifest', verdict: 'accepted', checks: manifestLedger.checks, proven: manifest.issued,
  };
  let platform: Platform;
  try {
    platform = await checkPlatform(options, manifest, platformLedger);
  } catch (thrown) {
    noteFailure(platformLedger, thrown);
    const verdict = refusedVerdict(platformLedger);
    const refused: Subject = { name: 'platform', verdict, checks: platformLedger.checks };
    return report(options.now(), [first, refused, ...unknown(HOPS)], {});
  }
  const { claims, statement } = platform;
  const second: Subject = {
    name: 'platform', verdict: 'accepted', checks: platformLedger.checks, claims, proven: claims.issued,
  };
  const hops = await Promise.all(HOPS.map((name) => hopSubject(name, statement, manifest, options.now())));
  const good = hops.every((hop) => hop.checks.every((check) => check.ok));
  const memory = notedIn(options, manifest, statement);
  const accepted = good ? { accepted: acceptedOf(options, platform, hops) } : {};
  return report(options.now(), [first, second, ...hops], { version: claims.runtime.version, memory, ...accepted });
}
