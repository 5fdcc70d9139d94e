// SPDX-License-Identifier: Apache-2.0
// An attestation service's administrators for tests: Azure's client (in a child process), keys, policy signers, and a provider's tokens.
import { execFileSync, fork } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const child = new URL('./administration-child.mjs', import.meta.url);

/** The service's refusal as the client tells it. */
export class ClientError extends Error {
  constructor({ name, code, statusCode, message }) {
    super(message);
    Object.assign(this, { kind: name, code, statusCode });
  }
}

export class AzureAdministration {
  #waiting = new Map();
  #count = 0;

  constructor(ca) {
    this.process = fork(child, { env: { ...process.env, NODE_EXTRA_CA_CERTS: ca } });
    this.process.on('message', ({ id, error, ...answer }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) reject(new ClientError(error));
      else resolve(answer);
    });
  }

  /** A client of one service with one bearer token: client.getPolicy('SgxEnclave') and so on. */
  at(url, bearer) {
    return new Proxy({}, { get: (_, call) => (...words) => new Promise((resolve, reject) => {
      const id = ++this.#count;
      this.#waiting.set(id, { resolve, reject });
      this.process.send({ id, call, at: { url, bearer }, words });
    }) });
  }

  close() {
    this.process.disconnect();
  }
}

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A compact JWS of any header and payload (a text stands for itself), signed by `key` as its kind is; null: not signed. */
export function jwsOf(header, payload, key) {
  const input = `${encode(header)}.${payload === '' ? '' : encode(payload)}`;
  if (!key) return `${input}.`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** Somebody with a key and a certificate in files of `folder`; `kind` rsa or ec. */
export function makeSigner(folder, name, kind = 'rsa') {
  const [key, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const form = kind === 'rsa' ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  execFileSync('openssl', ['req', '-x509', ...form, '-nodes', '-keyout', key, '-out', certificate, '-subj', `/CN=${name}`, '-days', '2'], { stdio: 'ignore' });
  chmodSync(certificate, 0o644);
  const pem = readFileSync(certificate, 'utf8');
  return { kind, privateKey: readFileSync(key, 'utf8'), certificate: pem, der: Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'), file: certificate };
}

export const policyPayload = (text) => ({ AttestationPolicy: encode(text) });
export const signedPolicy = (signer, text, alg = signer.kind === 'rsa' ? 'RS256' : 'ES256') =>
  jwsOf({ alg, x5c: [signer.der.toString('base64')] }, text === '' ? '' : policyPayload(text), createPrivateKey(signer.privateKey));

/** An OpenID provider, of which the service knows the key set. */
export class Provider {
  constructor(issuer, kid = 'provider') {
    this.issuer = issuer;
    this.kid = kid;
    this.keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  }

  get keySet() {
    return { keys: [{ ...this.keys.publicKey.export({ format: 'jwk' }), kid: this.kid, use: 'sig', alg: 'RS256' }] };
  }

  token(claims) {
    const now = Math.floor(Date.now() / 1000);
    return jwsOf({ alg: 'RS256', typ: 'JWT', kid: this.kid }, { iss: this.issuer, iat: now, nbf: now, exp: now + 600, ...claims }, this.keys.privateKey);
  }
}

/** A local administrator's key pair: JWK for the configuration, and PEM. */
export function localKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { jwk: publicKey.export({ format: 'jwk' }), pem: privateKey.export({ type: 'pkcs8', format: 'pem' }), privateKey };
}

export function localBearer(key, audience, changes = {}) {
  const now = Math.floor(Date.now() / 1000);
  return jwsOf({ alg: 'ES256', typ: 'JWT' }, { aud: audience, iat: now, exp: now + 600, ...changes }, createPrivateKey(key.pem));
}

export const publicJwk = (pem) => createPublicKey(pem).export({ format: 'jwk' });
