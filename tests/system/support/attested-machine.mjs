// SPDX-License-Identifier: Apache-2.0
// A machine with a TPM (swtpm) that asks Azure Attestation's protocol for a report: boots by extending what its log says, has its
// attestation key certified by an authority of its own, and makes requests of the second form.
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, constants, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Tpm } from './tpm.mjs';

const banks = { sha1: 0x0004, sha256: 0x000b };
const digest = (bank, data) => createHash(bank).update(data).digest();
const b64 = (bytes) => Buffer.from(bytes).toString('base64url');

const little = (value, size) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, size);
  return bytes;
};
const big = (value, size) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};
const sized = (bytes) => Buffer.concat([big(bytes.length, 2), bytes]);

/** UEFI_VARIABLE_DATA of a global variable. */
export const variable = (name, data) => Buffer.concat([Buffer.from('61dfe48bca93d211aa0d00e098032b8c', 'hex'), little(name.length, 4), little(0, 4), little(data.length, 4),
  little(0, 4), Buffer.from(name, 'utf16le'), data]);
/** A SIPA element, as Windows measures them. */
export const element = (number, data) => Buffer.concat([little(number, 4), little(data.length, 4), data]);
const boundary = (...elements) => element(0x40010001, Buffer.concat(elements));

/** Windows with secure boot and VBS: PCR, type, data. */
export const windows = [
  [0, 0x00000008, Buffer.from('firmware 1.0')],
  [7, 0x80000001, variable('SecureBoot', Buffer.from([1]))],
  [7, 0x00000004, Buffer.alloc(4)],
  [12, 0x00000006, boundary(element(0x00040001, Buffer.from([0])), element(0x000a0001, Buffer.from([1])), element(0x000a0003, Buffer.from([1])))],
  [13, 0x00000006, boundary(element(0x00050002, Buffer.from([1])), element(0x00050005, Buffer.from([0])), element(0x00050006, Buffer.from([0])))],
  [12, 0x00000004, Buffer.from('WBCL')],
  [13, 0x00000004, Buffer.from('WBCL')],
];

/** TCG_PCR_EVENT2 of each, behind the event that names the banks. */
export function eventLog(events) {
  const sizes = Object.entries(banks).map(([bank, id]) => Buffer.concat([little(id, 2), little(digest(bank, '').length, 2)]));
  const specification = Buffer.concat([Buffer.from('Spec ID Event03\0'), little(0, 4), Buffer.from([0, 2, 0, 2]), little(sizes.length, 4), ...sizes, little(0, 1)]);
  const first = Buffer.concat([little(0, 4), little(3, 4), Buffer.alloc(20), little(specification.length, 4), specification]);
  return Buffer.concat([first, ...events.map(([pcr, type, data]) => Buffer.concat([little(pcr, 4), little(type, 4), little(sizes.length, 4),
    ...Object.entries(banks).map(([bank, id]) => Buffer.concat([little(id, 2), digest(bank, data)])), little(data.length, 4), data]))]);
}

export class AttestedMachine {
  static async start(events = windows) {
    const machine = new AttestedMachine();
    machine.tpm = await Tpm.start();
    machine.events = events;
    const { tpm } = machine;
    for (const [pcr, , data] of events) tpm.run('pcrextend', `${pcr}:${Object.keys(banks).map((bank) => `${bank}=${digest(bank, data).toString('hex')}`).join(',')}`);
    tpm.createAttestationKey('aik', { key: 'rsa', hash: 'sha256', scheme: 'rsassa' });
    tpm.run('readpublic', '-c', 'aik.ctx', '-f', 'pem', '-o', 'aik.pem');
    machine.aik = createPublicKey(readFileSync(tpm.file('aik.pem'))).export({ format: 'jwk' });
    machine.#certify();
    return machine;
  }

  stop() {
    return this.tpm.stop();
  }

  /** An authority that has seen the TPM, and the certificate that it gives its attestation key. */
  #certify() {
    const file = (name) => this.tpm.file(name);
    const openssl = (...options) => execFileSync('openssl', options, { cwd: this.tpm.folder, stdio: 'pipe' });
    writeFileSync(file('aik.cnf'), 'extendedKeyUsage=2.23.133.8.3\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectAltName=critical,DNS:tpm\n');
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=AIK authority', '-days', '2',
      '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'any.key', '-out', 'any.csr', '-subj', '/CN=AIK');
    openssl('x509', '-req', '-in', 'any.csr', '-force_pubkey', 'aik.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'aik.cnf', '-outform', 'DER', '-out', 'aik.der');
    this.certificate = readFileSync(file('aik.der'));
    this.authority = readFileSync(file('ca.pem'), 'utf8');
  }

  /** All 24 PCRs of each bank, quoted over `nonce`. */
  quote(nonce, list = 'sha256') {
    const { tpm } = this;
    const selected = list.split('+');
    tpm.quote('aik', 'now', { pcrs: selected.map((bank) => `${bank}:all`).join('+'), nonce: nonce.toString('hex') });
    const pcrs = selected.map((bank) => {
      tpm.run('pcrread', `${bank}:all`, '-o', `${bank}.values`);
      const values = readFileSync(tpm.file(`${bank}.values`));
      const size = digest(bank, '').length;
      return { algorithm: banks[bank], values: Array.from({ length: 24 }, (_, index) => ({ index, digest: b64(values.subarray(index * size, (index + 1) * size)) })) };
    });
    return { pcrs, quote: b64(readFileSync(tpm.file('now.msg'))), signature: b64(readFileSync(tpm.file('now.sig'))) };
  }

  /** A signing key that never leaves the TPM. */
  createKey() {
    const { tpm } = this;
    tpm.run('createprimary', '-C', 'o', '-c', 'parent.ctx');
    tpm.run('create', '-C', 'parent.ctx', '-G', 'rsa2048:rsapss-sha256:null', '-u', 'key.pub', '-r', 'key.priv', '-a', 'sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth');
    tpm.run('load', '-C', 'parent.ctx', '-u', 'key.pub', '-r', 'key.priv', '-c', 'key.ctx');
    tpm.run('readpublic', '-c', 'key.ctx', '-f', 'pem', '-o', 'key.pem');
    tpm.run('evictcontrol', '-C', 'o', '-c', 'key.ctx', '0x81000010');
    tpm.run('evictcontrol', '-C', 'o', '-c', 'aik.ctx', '0x81000011');
    const sign256 = (input) => {
      writeFileSync(tpm.file('input'), input);
      tpm.run('sign', '-c', 'key.ctx', '-g', 'sha256', '-s', 'rsapss', '-f', 'plain', '-o', 'input.sig', 'input');
      return readFileSync(tpm.file('input.sig'));
    };
    return { jwk: createPublicKey(readFileSync(tpm.file('key.pem'))).export({ format: 'jwk' }), sign: sign256, public: readFileSync(tpm.file('key.pub')).subarray(2) };
  }

  /** TPM2_Certify of that key by the AIK over `nonce`; tpm2_certify takes no qualifying data. */
  certify(key, nonce) {
    const password = Buffer.from('400000090000010000', 'hex');
    const body = Buffer.concat([big(0x148, 4), big(0x81000010, 4), big(0x81000011, 4), big(2 * password.length, 4), password, password, sized(nonce), big(0x0010, 2)]);
    writeFileSync(this.tpm.file('command'), Buffer.concat([big(0x8002, 2), big(body.length + 6, 4), body]));
    this.tpm.run('send', 'command', '-o', 'response');
    const response = readFileSync(this.tpm.file('response'));
    if (response.readUInt32BE(6) !== 0) throw new Error(`TPM2_Certify: ${response.subarray(6, 10).toString('hex')}`);
    const parameters = response.subarray(14, 14 + response.readUInt32BE(10));
    const size = parameters.readUInt16BE(0);
    return { public: b64(key.public), certification: b64(parameters.subarray(2, 2 + size)), signature: b64(parameters.subarray(2 + size)) };
  }

  /**
   * The message that answers a challenge. `key` is {jwk, sign}; bound by the quote, or certified if it has `public`. `change` may alter
   * the payload before it is signed.
   */
  request({ challenge, service_context: context }, key, { rpData, list, change = (payload) => payload, nonce } = {}) {
    const bytes = Buffer.from(challenge, 'base64url');
    const jwk = JSON.stringify(key.jwk);
    const bound = createHash('sha256').update(jwk).update(Buffer.from([0])).update(bytes).digest();
    const info = key.public ? { tpm_certify: this.certify(key, bytes) } : { tpm_quote: { hash_alg: 'sha-256' } };
    const current = { logs: [{ type: 'TCG', log: b64(eventLog(this.events)) }], aik_cert: b64(this.certificate), aik_pub: this.aik, ...this.quote(nonce ?? (key.public ? bytes : bound), list) };
    const payload = change({ att_type: 'basic', att_data: { rp_id: 'https://rp.example', rp_data: rpData, challenge, tpm_att_data: { current_attestation: current },
      request_key: { jwk: key.jwk, info }, other_keys: [], custom_claims: [{ name: 'site', value: 'ward 3', value_type: 'String' }], service_context: context } });
    const input = `${b64(JSON.stringify({ alg: 'PS256', typ: 'attReqV2' }))}.${b64(JSON.stringify(payload))}`;
    return JSON.stringify({ payload: { request: `${input}.${b64(key.sign(Buffer.from(input)))}` } });
  }
}

/** A key in the machine's memory. */
export const softwareKey = ({ privateKey, publicKey }) => ({ jwk: publicKey.export({ format: 'jwk' }),
  sign: (input) => sign('sha256', input, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }) });
