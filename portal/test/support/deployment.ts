// SPDX-License-Identifier: Apache-2.0
//
// A deployment made for one test: keys, manifest, tokens, statement and proof, each of which a test can bend before it is
// signed.

import './webcrypto.js';
import { calculateJwkThumbprint, CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose';
import { base64url, concat, fromBase64url, hex, randomBytes, textHash, utf8, type Bytes } from '../../src/trust/encoding.js';
import type { TrustFile } from '../../src/trust/chain.js';

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
type Members = Record<string, unknown>;

export interface SigningKey {
  readonly secret: Key;
  readonly jwk: JWK;
  readonly thumbprint: string;
  readonly algorithm: 'ES256' | 'RS256';
}

export async function signingKey(algorithm: 'ES256' | 'RS256' = 'ES256'): Promise<SigningKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(pair.publicKey);
  return { secret: pair.privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk, 'sha256'), algorithm };
}

export function sign(payload: Members, header: Members, key: SigningKey): Promise<string> {
  return new CompactSign(utf8(JSON.stringify(payload)))
    .setProtectedHeader({ alg: key.algorithm, ...header })
    .sign(key.secret);
}

export interface SealingKey {
  readonly pair: { publicKey: Key; privateKey: Key };
  readonly jwk: JWK;
  readonly thumbprint: string;
  readonly config: Bytes;
}

export async function sealingKey(): Promise<SealingKey> {
  const pair = (await crypto.subtle.generateKey({ name: 'X25519' } as never, true, ['deriveBits'])) as never as SealingKey['pair'];
  const jwk = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JWK;
  const bare: JWK = { kty: 'OKP', crv: 'X25519', x: jwk.x as string };
  const config = concat(
    Uint8Array.of(1, 0, 0x20), fromBase64url(jwk.x as string, 'x'), Uint8Array.of(0, 8, 0, 1, 0, 2, 0, 1, 0, 1));
  return { pair, jwk: bare, thumbprint: await calculateJwkThumbprint(bare, 'sha256'), config };
}

/** One service of the deployment: its keys and what it measures. */
export interface Enclave {
  readonly service: string;
  readonly mrenclave: string;
  readonly tls: SigningKey;
  readonly sign: SigningKey;
  readonly hpke?: SealingKey;
}

export async function enclave(service: string): Promise<Enclave> {
  return {
    service, mrenclave: hex(randomBytes(32)), tls: await signingKey(), sign: await signingKey(),
    ...(service === 'platform' ? { hpke: await sealingKey() } : {}),
  };
}

export function runtimeOf(item: Enclave, deployment: string): Members {
  const { tls, sign: signer, hpke } = item;
  return {
    keys: [tls.jwk, signer.jwk, ...(hpke ? [hpke.jwk] : [])],
    lazaret: {
      deployment, service: item.service, version: '0.1.0',
      use: { sign: signer.thumbprint, tls: tls.thumbprint, ...(hpke ? { hpke: hpke.thumbprint } : {}) },
      ...(hpke ? { ohttp: base64url(hpke.config) } : {}),
    },
  };
}

export const POLICY_HASH = 'bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw';

export interface Bend {
  payload?: Members;
  header?: Members;
  key?: SigningKey;
  lazaret?: Members;
}

export interface HopBend {
  token?: string | null;
  key?: string | null;
  verdict?: string;
  reason?: string;
  code?: string;
}

let sharedIssuerKey: Promise<SigningKey> | undefined; // an RSA key costs more than all else, and one serves every test

/** Everything that one deployment signs, at a time `now` that a test can move. */
export class Deployment {
  now = 1_790_000_000;
  readonly issuer = 'https://attestation.test';
  statementBend: Bend = {};
  proofBend: Bend = {};
  platformBend: Bend = {};
  freshBend: Bend = {};
  manifestBend: Members = {};
  hopBends: Record<string, HopBend> = {};
  heads = [{ store: 'records', generation: 7, head: base64url(randomBytes(32)) }];
  manifestVersion = 2;
  missingHops: string[] = [];
  private manifestText = '';

  private constructor(
    readonly root: SigningKey,
    readonly issuerKey: SigningKey,
    readonly platform: Enclave,
    readonly gate: Enclave,
    readonly diagnosis: Enclave,
  ) {}

  static async make(): Promise<Deployment> {
    sharedIssuerKey ??= signingKey('RS256');
    const [root, issuerKey] = [await signingKey(), await sharedIssuerKey];
    const made = new Deployment(
      root, issuerKey, await enclave('platform'), await enclave('gate'), await enclave('diagnosis'));
    await made.remake();
    return made;
  }

  get trust(): TrustFile {
    return {
      hospital: 'Demo hospital', deployment: this.root.thumbprint, platform: 'https://platform.test',
      attestation: this.issuer, manifest: 'https://portal.test/manifest.jws',
    };
  }

  manifestPayload(): Members {
    const role = (item: Enclave) => ({ identities: [{ tee: 'sgx', mrenclave: item.mrenclave }] });
    return {
      version: this.manifestVersion, issued: this.now - 86400, name: 'Demo hospital', deployment: this.root.thumbprint,
      roles: { platform: role(this.platform), gate: role(this.gate), diagnosis: role(this.diagnosis) },
      issuers: [{
        issuer: this.issuer, keys: { keys: [{ ...this.issuerKey.jwk, kid: 'issuer-1' }] }, policy_hashes: [POLICY_HASH],
      }],
      token_max_age: 3600, minimum_tcb_evaluation: 1,
      administrator: { user: 'admin', password_hash: '$argon2id$' },
      recovery: { kty: 'OKP', crv: 'X25519', x: base64url(randomBytes(32)) },
      simulation: { roots: [this.root.jwk] },
      ...this.manifestBend,
    };
  }

  /** Signs the manifest anew, after a bend. */
  async remake(header: Members = {}): Promise<string> {
    const all = { typ: 'lazaret-manifest+jwt', jwk: this.root.jwk, ...header };
    this.manifestText = await sign(this.manifestPayload(), all, this.root);
    return this.manifestText;
  }

  manifest(): string {
    return this.manifestText;
  }

  token(item: Enclave, bend: Bend = {}): Promise<string> {
    const runtime = runtimeOf(item, this.root.thumbprint);
    runtime.lazaret = { ...(runtime.lazaret as Members), ...bend.lazaret };
    const payload = {
      iss: this.issuer, iat: this.now - 60, nbf: this.now - 60, exp: this.now + 28740,
      'x-ms-attestation-type': 'sgx', 'x-ms-policy-hash': POLICY_HASH, 'x-ms-runtime': runtime,
      'x-ms-sgx-is-debuggable': false, 'x-ms-sgx-mrenclave': item.mrenclave, 'x-ms-sgx-mrsigner': '00'.repeat(32),
      'x-ms-sgx-product-id': 0, 'x-ms-sgx-svn': 0, 'lazaret-simulated': true, ...bend.payload,
    };
    return sign(payload, { typ: 'JWT', kid: 'issuer-1', ...bend.header }, bend.key ?? this.issuerKey);
  }

  private async hop(item: Enclave): Promise<Members> {
    const bend = this.hopBends[item.service] ?? {};
    return {
      service: item.service, token: await this.token(item), key: item.tls.thumbprint, verdict: 'accepted', reason: '',
      code: 'OK', checked: this.now - 5, ...bend,
    };
  }

  async statement(): Promise<string> {
    const hops = [];
    for (const item of [this.gate, this.diagnosis]) {
      if (!this.missingHops.includes(item.service)) hops.push(await this.hop(item));
    }
    const payload = {
      aud: 'portal', iat: this.now - 5, exp: this.now + 595, deployment: this.root.thumbprint,
      manifest_version: this.manifestVersion, manifest_hash: await textHash(this.manifestText), heads: this.heads, hops,
      ...this.statementBend.payload,
    };
    const header = { typ: 'lazaret-statement+jwt', kid: this.platform.sign.thumbprint, ...this.statementBend.header };
    return sign(payload, header, this.statementBend.key ?? this.platform.sign);
  }

  /** What the evidence endpoint answers. */
  async evidence(nonce: string, statement: string): Promise<Members> {
    const token = await this.token(this.platform, this.platformBend);
    const proof = await sign(
      {
        iat: this.now, nonce, token_hash: await textHash(token), statement_hash: await textHash(statement),
        ...this.proofBend.payload,
      },
      { typ: 'lazaret-evidence-proof+jwt', ...this.proofBend.header }, this.proofBend.key ?? this.platform.sign);
    const runtimeData = base64url(utf8(JSON.stringify(runtimeOf(this.platform, this.root.thumbprint))));
    return { tee: 'sgx', evidence: base64url(randomBytes(64)), runtimeData, token, statement, proof, issuer: this.issuer };
  }

  /** What the attestation service answers. */
  async appraise(nonce: string): Promise<Members> {
    const bend = this.freshBend;
    return { token: await this.token(this.platform, { ...bend, payload: { nonce, ...bend.payload } }) };
  }
}
