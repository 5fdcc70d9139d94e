// SPDX-License-Identifier: Apache-2.0
// Attestation tokens and attested TLS certificates that a test makes itself, under an issuer of its own, so that each of the
// relying party's checks can be made to fail alone.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, calculateJwkThumbprint, exportJWK } from 'jose';

export const POLICY_HASH = 'bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw';
const TOKEN_OID = '2.25.301404226436124357468426421487465723904';

/** An issuer with an RSA key; `entry` is what a manifest lists. */
export async function makeIssuer(name) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...(await exportJWK(publicKey)), use: 'sig' };
  const kid = await calculateJwkThumbprint(jwk);
  return { name, privateKey, kid, entry: { issuer: name, keys: { keys: [{ ...jwk, kid }] }, policy_hashes: [POLICY_HASH] } };
}

async function makeKey(type) {
  const { privateKey, publicKey } = type === 'X25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

/** The keys of a would-be enclave. */
export async function makeKeys() {
  return { tls: await makeKey('EC'), sign: await makeKey('EC'), hpke: await makeKey('X25519') };
}

/** A token for `keys`, as the attestation service would issue it; `change(claims)` spoils it. */
export async function mintToken(issuer, keys, { service, deployment, mrenclave, simulated = true, change = (claims) => claims, ageS = 10, lifeS = 28800 }) {
  const now = Math.floor(Date.now() / 1000) - ageS;
  const runtime = { keys: [keys.tls.jwk, keys.sign.jwk, keys.hpke.jwk],
    lazaret: { service, version: '0.1.0', deployment, use: { tls: keys.tls.thumbprint, sign: keys.sign.thumbprint, hpke: keys.hpke.thumbprint } } };
  const reportData = createHash('sha256').update(JSON.stringify(runtime)).digest('hex') + '00'.repeat(32);
  const claims = change({
    iss: issuer.name, iat: now, nbf: now, exp: now + lifeS, jti: 'ab'.repeat(32), 'x-ms-ver': '1.0', 'x-ms-attestation-type': 'sgx', 'x-ms-policy-hash': POLICY_HASH,
    'x-ms-runtime': runtime, 'x-ms-sgx-is-debuggable': false, 'x-ms-sgx-mrenclave': mrenclave, 'x-ms-sgx-mrsigner': '11'.repeat(32), 'x-ms-sgx-product-id': 1,
    'x-ms-sgx-svn': 1, 'x-ms-sgx-report-data': reportData, 'is-debuggable': false, 'sgx-mrenclave': mrenclave, 'sgx-mrsigner': '11'.repeat(32), 'product-id': 1, svn: 1, tee: 'sgx',
    ...(simulated ? { 'lazaret-simulated': true } : {}),
  });
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: issuer.kid, typ: 'JWT', jku: `${issuer.name}/certs` }).sign(issuer.privateKey);
}

/** A self-signed certificate of a TLS key that carries a token (or none): PEM texts for node's tls module. */
export function attestedCertificate(key, token, commonName = 'platform') {
  const folder = mkdtempSync(join(tmpdir(), 'lazaret-mint-'));
  try {
    const keyFile = join(folder, 'key.pem');
    const keyPem = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(keyFile, keyPem, { mode: 0o600 });
    const extension = token === undefined ? [] : ['-addext', `${TOKEN_OID}=DER:${Buffer.from(token).toString('hex')}`];
    // A token is too long for an argument's value in some shells, so the extension goes through a configuration file.
    const config = join(folder, 'openssl.cnf');
    writeFileSync(config, `[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=${commonName}\n[ext]\nbasicConstraints=critical,CA:FALSE\n` +
      (extension.length ? `${TOKEN_OID}=DER:${Buffer.from(token).toString('hex')}\n` : ''));
    const certificate = join(folder, 'certificate.pem');
    execFileSync('openssl', ['req', '-x509', '-new', '-key', keyFile, '-days', '1', '-config', config, '-out', certificate], { stdio: ['ignore', 'ignore', 'pipe'] });
    return { key: keyPem, cert: readFileSync(certificate, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
