// SPDX-License-Identifier: Apache-2.0
//
// The deployment's manifest (docs/protocols.md, section 1): everything that decides trust, signed by the deployment key,
// whose thumbprint the trust file pins. Unknown members are refused: a misspelt rule must not be passed over.

import { IS_RELEASE } from './build.js';
import { textHash } from './encoding.js';
import { Fields, said } from './json.js';
import { parseJws, requireSignature, TYP_MANIFEST, type Jws } from './jws.js';
import { publicKey, publicKeySet, type KeyKind, type PublicKey } from './keys.js';
import { Refusal } from './refusal.js';
import { THUMBPRINT } from './runtime.js';
import type { Identity, IssuerRule, RoleRule, Rules } from './token.js';

export interface Manifest {
  readonly version: number;
  readonly issued: number;
  readonly name: string;
  readonly deployment: string;
  /** base64url SHA-256 of the JWS text, as chain statements name it */
  readonly hash: string;
  readonly roles: ReadonlyMap<string, RoleRule>;
  readonly rules: Rules;
}

const MANIFEST_MAX_LENGTH = 256 * 1024;
const HEX64 = /^[0-9a-fA-F]{64}$/;
const ROLE_MAX_COUNT = 8;
const U16_MAX = 0xffff;
const CODE = 'ERR_MANIFEST';

async function signedBy(jws: Jws, deployment: string): Promise<void> {
  const { typ, alg, jwk } = jws.header;
  if (typ !== TYP_MANIFEST) throw new Refusal(CODE, 'typ', TYP_MANIFEST, said(typ));
  if (alg !== 'ES256') throw new Refusal(CODE, 'alg', 'ES256', said(alg));
  const key: PublicKey = await publicKey(jwk, 'jwk', 'ERR_MANIFEST_SIGNATURE');
  if (key.kind !== 'P-256' || key.thumbprint !== deployment) {
    throw new Refusal('ERR_MANIFEST_SIGNATURE', 'jwk', deployment, key.thumbprint);
  }
  await requireSignature(jws, key, 'ERR_MANIFEST_SIGNATURE');
}

function identity(fields: Fields): Identity {
  fields.only('tee', 'mrenclave', 'mrsigner', 'product_id', 'minimum_svn', 'debug');
  fields.text('tee', /^sgx$/);
  const signer = fields.has('mrsigner');
  if (!signer) {
    fields.text('mrenclave', HEX64); // one of the two is required
    fields.only('tee', 'mrenclave', 'debug'); // product and SVN count only beside a signer
  }
  return {
    tee: 'sgx',
    debug: fields.flag('debug'),
    ...(fields.has('mrenclave') ? { mrenclave: fields.text('mrenclave', HEX64).toLowerCase() } : {}),
    ...(signer
      ? {
          mrsigner: fields.text('mrsigner', HEX64).toLowerCase(),
          productId: fields.integer('product_id', 0, U16_MAX),
          minimumSvn: fields.integer('minimum_svn', 0, U16_MAX),
        }
      : {}),
  };
}

function roles(fields: Fields, deployment: string): Map<string, RoleRule> {
  const found = new Map<string, RoleRule>();
  const count = fields.names().length;
  if (count > ROLE_MAX_COUNT) throw new Refusal(CODE, 'roles', `<= ${ROLE_MAX_COUNT}`, String(count));
  for (const service of fields.names()) {
    const role = fields.fields(service).only('identities', 'deployment', ...(service === 'platform' ? ['predecessors'] : []));
    // Whose records the platform takes over: its business, but a misspelt entry is refused here too.
    if (role.has('predecessors')) role.fieldsList('predecessors', 16).forEach(identity);
    found.set(service, {
      service,
      deployment: role.has('deployment') ? role.text('deployment', THUMBPRINT) : deployment,
      identities: role.fieldsList('identities', 16).map(identity),
    });
  }
  return found;
}

async function issuer(fields: Fields): Promise<IssuerRule> {
  fields.only('issuer', 'keys', 'policy_hashes');
  const hashes = fields.list('policy_hashes', 8);
  if (hashes.length === 0 || !hashes.every((item) => typeof item === 'string')) {
    throw new Refusal(CODE, 'policy_hashes', 'string[]');
  }
  const keys = await publicKeySet(fields.raw('keys'), 'keys', CODE);
  if (!keys.some((key) => key.kind !== 'X25519')) throw new Refusal(CODE, 'issuers.keys', 'RSA, P-256', '-');
  return { issuer: fields.text('issuer', /^.{1,512}$/), keys, policyHashes: hashes as string[] };
}

async function issuers(payload: Fields): Promise<IssuerRule[]> {
  const rules = await Promise.all(payload.fieldsList('issuers', 4).map(issuer));
  const names = new Set(rules.map((rule) => rule.issuer));
  if (names.size < rules.length) throw new Refusal(CODE, 'issuers', 'each issuer once');
  return rules;
}

async function keyOfKind(value: unknown, field: string, kind: KeyKind): Promise<void> {
  const key = await publicKey(value, field, CODE);
  if (key.kind !== kind) throw new Refusal(CODE, field, kind, key.kind);
}

async function simulated(payload: Fields): Promise<boolean> {
  if (!payload.has('simulation')) return false;
  if (IS_RELEASE) throw new Refusal('ERR_MANIFEST_SIMULATION', 'simulation', '-', 'simulation');
  const roots = payload.fields('simulation').only('roots').list('roots', 4);
  await Promise.all(roots.map((root, i) => keyOfKind(root, `simulation.roots[${i}]`, 'P-256')));
  return roots.length > 0;
}

async function read(jws: Jws, deployment: string): Promise<Manifest> {
  const payload = Fields.of(jws.payload, '', CODE).only(
    'version', 'issued', 'name', 'deployment', 'roles', 'issuers', 'token_max_age', 'minimum_tcb_evaluation',
    'administrator', 'recovery', 'simulation');
  const named = payload.text('deployment', THUMBPRINT);
  if (named !== deployment) throw new Refusal(CODE, 'deployment', deployment, named);
  payload.fields('administrator').only('user', 'password_hash');
  await keyOfKind(payload.raw('recovery'), 'recovery', 'X25519');
  return {
    version: payload.integer('version', 1),
    issued: payload.integer('issued', 1),
    name: payload.text('name', /^.{1,128}$/),
    deployment: named,
    hash: await textHash(jws.text),
    roles: roles(payload.fields('roles'), named),
    rules: {
      issuers: await issuers(payload),
      acceptSimulated: await simulated(payload),
      maxAge: payload.integer('token_max_age', 1),
    },
  };
}

/** Verifies and reads. `deployment` is the thumbprint that the pinned trust file names. */
export async function verifyManifest(text: string, deployment: string): Promise<Manifest> {
  let jws: Jws;
  try {
    jws = parseJws(text.trim(), 'manifest', MANIFEST_MAX_LENGTH);
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    throw new Refusal(CODE, thrown.field, thrown.expected, thrown.seen);
  }
  await signedBy(jws, deployment);
  return read(jws, deployment);
}

/** The role's rule. A role that the manifest does not name accepts nobody. */
export function roleRule(manifest: Manifest, service: string): RoleRule {
  return manifest.roles.get(service) ?? { service, deployment: manifest.deployment, identities: [] };
}
