// SPDX-License-Identifier: Apache-2.0
//
// The relying party's checks of an attestation token: the twin of src/token/relying_party.h, with the same order and the
// same codes. Form, type, algorithm, issuer, key, signature, nbf/exp, age, nonce, claims, simulated, debug, policy hash,
// service, deployment, identity, TCB, key binding. The first failure is the answer.

import { isObject, said, type JsonObject } from './json.js';
import { parseJws, requireAlgorithm, requireSignature, requireType, TYP_TOKEN, type Jws } from './jws.js';
import type { PublicKey } from './keys.js';
import { Ledger } from './ledger.js';
import { Refusal, type Shown } from './refusal.js';
import { runtimeData, type KeyUse, type RuntimeData } from './runtime.js';

export const CLOCK_SLACK_S = 300;
export const TOKEN_MAX_LENGTH = 64 * 1024;

/** One accepted SGX identity: MRENCLAVE, or MRSIGNER with product id and minimum SVN, or all of them. */
export interface Identity {
  readonly tee: 'sgx';
  readonly mrenclave?: string;
  readonly mrsigner?: string;
  readonly productId?: number;
  readonly minimumSvn?: number;
  readonly debug: boolean;
}

export interface RoleRule {
  readonly service: string;
  readonly deployment: string;
  readonly identities: readonly Identity[];
}

export interface IssuerRule {
  readonly issuer: string;
  readonly keys: readonly PublicKey[];
  readonly policyHashes: readonly string[];
}

export interface Rules {
  readonly issuers: readonly IssuerRule[];
  readonly acceptSimulated: boolean;
  readonly maxAge: number;
}

export interface Expectation {
  readonly role: RoleRule;
  readonly use: KeyUse;
  /** Thumbprint of the key that the presenter showed; left out when no presenter is at hand. */
  readonly presented?: string;
  readonly nonce?: string;
  readonly now: number;
}

export interface TokenClaims {
  readonly simulated: boolean;
  readonly debug: boolean;
  readonly mrenclave: string;
  readonly mrsigner: string;
  readonly productId: number;
  readonly svn: number;
  readonly issued: number;
  readonly expires: number;
  /** min(expires, issued + max age) */
  readonly validUntil: number;
  readonly issuer: string;
  readonly policyHash: string;
  readonly tcbStatus?: string;
  readonly runtime: RuntimeData;
}

function findIssuer(jws: Jws, rules: Rules, ledger: Ledger): IssuerRule {
  const seen = said(jws.payload.iss);
  const rule = rules.issuers.find((item) => item.issuer === seen);
  const expected = rules.issuers.map((item) => item.issuer).join(', ');
  ledger.require(rule !== undefined, 'token.issuer', 'ERR_TOKEN_ISSUER', expected, seen);
  return rule as IssuerRule;
}

function findKey(jws: Jws, issuer: IssuerRule, ledger: Ledger): PublicKey {
  const kid = said(jws.header.kid);
  const key = issuer.keys.find((item) => item.kid === kid);
  const expected = issuer.keys.map((item) => item.kid).join(', ');
  ledger.require(key !== undefined, 'token.key', 'ERR_TOKEN_KEY_UNKNOWN', expected, kid);
  return key as PublicKey;
}

function time(payload: JsonObject, name: string): number {
  const value = payload[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Refusal('ERR_TOKEN_CLAIM', name, 'integer');
  return value;
}

interface Times {
  readonly issued: number;
  readonly expires: number;
}

/** As on the C side: what begins may lie ahead, because clocks differ; what ends has no slack. */
function readTimes(payload: JsonObject, now: number): Times {
  const notBefore = time(payload, 'nbf');
  const [expires, issued] = [time(payload, 'exp'), time(payload, 'iat')];
  const tooEarly = (field: string, at: number) => new Refusal('ERR_TOKEN_NOT_YET_VALID', field, { word: 'begun' }, { at });
  if (notBefore > now + CLOCK_SLACK_S) throw tooEarly('nbf', notBefore);
  if (expires <= now) {
    throw new Refusal('ERR_TOKEN_EXPIRED', 'exp', { word: 'notExpired' }, { at: expires });
  }
  if (issued > now + CLOCK_SLACK_S) throw tooEarly('iat', issued);
  return { issued, expires };
}

async function checkTimes(payload: JsonObject, rules: Rules, now: number, ledger: Ledger): Promise<void> {
  const shown = (times: Times) => ({ at: times.expires });
  const { issued } = await ledger.step('token.validity', { word: 'notExpired' }, shown, () => readTimes(payload, now));
  const age = Math.max(0, now - issued);
  ledger.require(
    age < rules.maxAge, 'token.age', 'ERR_TOKEN_EXPIRED', { seconds: rules.maxAge }, { seconds: age });
}

function claim<T>(payload: JsonObject, name: string, valid: (value: unknown) => boolean): T {
  if (!valid(payload[name])) throw new Refusal('ERR_TOKEN_CLAIM', name, { word: 'present' }, { word: 'absent' });
  return payload[name] as T;
}

const isBoolean = (value: unknown) => typeof value === 'boolean';
const isText = (value: unknown) => typeof value === 'string';
const isMeasurement = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isSmall = (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff;

async function readClaims(payload: JsonObject, rules: Rules): Promise<TokenClaims> {
  const type = claim<string>(payload, 'x-ms-attestation-type', isText);
  if (type !== 'sgx') throw new Refusal('ERR_TOKEN_CLAIM', 'x-ms-attestation-type', 'sgx', type);
  if (payload['lazaret-simulated'] !== undefined) claim(payload, 'lazaret-simulated', isBoolean);
  const tcb = payload['x-lazaret-tcb-status'];
  if (tcb !== undefined) claim(payload, 'x-lazaret-tcb-status', isText);
  const [issued, expires] = [time(payload, 'iat'), time(payload, 'exp')];
  return {
    simulated: payload['lazaret-simulated'] === true,
    debug: claim(payload, 'x-ms-sgx-is-debuggable', isBoolean),
    mrenclave: claim(payload, 'x-ms-sgx-mrenclave', isMeasurement),
    mrsigner: claim(payload, 'x-ms-sgx-mrsigner', isMeasurement),
    productId: claim(payload, 'x-ms-sgx-product-id', isSmall),
    svn: claim(payload, 'x-ms-sgx-svn', isSmall),
    issued,
    expires,
    validUntil: Math.min(expires, issued + rules.maxAge),
    issuer: claim(payload, 'iss', isText),
    policyHash: claim(payload, 'x-ms-policy-hash', isText),
    ...(typeof tcb === 'string' ? { tcbStatus: tcb } : {}),
    runtime: await runtimeData(claim(payload, 'x-ms-runtime', isObject)),
  };
}

function identityMatches(identity: Identity, claims: TokenClaims): boolean {
  if (claims.debug && !identity.debug) return false;
  if (identity.mrenclave === undefined && identity.mrsigner === undefined) return false;
  if (identity.mrenclave !== undefined && identity.mrenclave !== claims.mrenclave) return false;
  if (identity.mrsigner === undefined) return true;
  return (
    identity.mrsigner === claims.mrsigner &&
    identity.productId === claims.productId &&
    claims.svn >= (identity.minimumSvn ?? Infinity)
  );
}

export function identityText(identity: Identity): string {
  if (identity.mrsigner === undefined) return identity.mrenclave ?? '-';
  const signer = `${identity.mrsigner} / ${identity.productId} / >= ${identity.minimumSvn}`;
  return identity.mrenclave === undefined ? signer : `${identity.mrenclave} + ${signer}`;
}

function checkOrigin(claims: TokenClaims, rules: Rules, issuer: IssuerRule, role: RoleRule, ledger: Ledger): void {
  const hardware: Shown = { word: rules.acceptSimulated ? 'simulationAccepted' : 'hardware' };
  ledger.require(
    !claims.simulated || rules.acceptSimulated, 'token.simulated', 'ERR_TOKEN_SIMULATED', hardware,
    { word: claims.simulated ? 'simulated' : 'hardware' });
  ledger.require(
    !claims.debug || role.identities.some((item) => item.debug), 'token.debug', 'ERR_TOKEN_DEBUG', { word: 'debugOff' },
    { word: claims.debug ? 'debugOn' : 'debugOff' });
  ledger.require(
    issuer.policyHashes.includes(claims.policyHash), 'token.policy', 'ERR_TOKEN_POLICY',
    issuer.policyHashes.join(', '), claims.policyHash);
}

function checkRole(claims: TokenClaims, role: RoleRule, ledger: Ledger): void {
  const { service, deployment } = claims.runtime;
  ledger.require(service === role.service, 'token.service', 'ERR_TOKEN_SERVICE', role.service, service);
  ledger.require(
    deployment === role.deployment, 'token.deployment', 'ERR_TOKEN_DEPLOYMENT', role.deployment, deployment);
  const byMeasurement = role.identities.every((item) => item.mrsigner === undefined);
  const seen = byMeasurement
    ? claims.mrenclave
    : `${claims.mrenclave} / ${claims.mrsigner} / ${claims.productId} / ${claims.svn}`;
  ledger.require(
    role.identities.some((item) => identityMatches(item, claims)), 'token.identity', 'ERR_TOKEN_IDENTITY',
    role.identities.map(identityText).join(', '), seen);
}

/** Azure's default tokens carry no TCB status: the pinned policy hash stands for it. */
function checkTcb(claims: TokenClaims, ledger: Ledger): void {
  const seen: Shown = claims.tcbStatus ?? { word: 'tcbByPolicy' };
  ledger.require(claims.tcbStatus !== 'Revoked', 'token.tcb', 'ERR_TOKEN_TCB', { word: 'notRevoked' }, seen);
}

function checkBinding(claims: TokenClaims, expected: Expectation, ledger: Ledger): void {
  if (expected.presented === undefined) return;
  const attested = claims.runtime.keys[expected.use]?.thumbprint ?? '-';
  ledger.require(
    attested === expected.presented, 'token.binding', 'ERR_TOKEN_KEY_BINDING', attested, expected.presented);
}

/** Verifies `text` and writes a row for each check. */
export async function checkToken(
  text: unknown, rules: Rules, expected: Expectation, ledger = new Ledger(),
): Promise<TokenClaims> {
  const jws = await ledger.step('token.form', { word: 'wellFormed' }, () => ({ word: 'wellFormed' }), () =>
    parseJws(text, 'token', TOKEN_MAX_LENGTH));
  await ledger.step('token.type', TYP_TOKEN, () => TYP_TOKEN, () => requireType(jws, TYP_TOKEN));
  await ledger.step('token.algorithm', 'RS256, ES256', () => said(jws.header.alg), () => requireAlgorithm(jws));
  const issuer = findIssuer(jws, rules, ledger);
  const key = findKey(jws, issuer, ledger);
  await ledger.step('token.signature', { word: 'signatureValid' }, () => ({ word: 'signatureValid' }), async () => {
    requireAlgorithm(jws, key);
    await requireSignature(jws, key);
  });
  await checkTimes(jws.payload, rules, expected.now, ledger);
  if (expected.nonce !== undefined) {
    const { nonce } = jws.payload;
    ledger.require(nonce === expected.nonce, 'token.nonce', 'ERR_TOKEN_NONCE', expected.nonce, said(nonce));
  }
  const claims = await ledger.step('token.claims', { word: 'complete' }, () => ({ word: 'complete' }), () =>
    readClaims(jws.payload, rules));
  checkOrigin(claims, rules, issuer, expected.role, ledger);
  checkRole(claims, expected.role, ledger);
  checkTcb(claims, ledger);
  checkBinding(claims, expected, ledger);
  return claims;
}
