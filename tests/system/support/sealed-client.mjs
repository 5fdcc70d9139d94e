// SPDX-License-Identifier: Apache-2.0
// A client of the sealed channel written from the RFCs with @hpke/core alone: binary HTTP (RFC 9292) and OHTTP (RFC 9458). It
// shares no code with the product, so that both readings of the RFCs must agree.
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';

const ASCII = new TextEncoder();
const SUITE = { kem: 0x0020, kdf: 0x0001, aead: 0x0002 };

/** Variable-length integer of RFC 9000, section 16. */
function varint(value) {
  if (value < 64) return Buffer.from([value]);
  if (value < 16384) return Buffer.from([0x40 | (value >> 8), value & 255]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((0x80000000 | value) >>> 0);
  return bytes;
}

const prefixed = (bytes) => Buffer.concat([varint(bytes.length), Buffer.from(bytes)]);

export function encodeRequest({ method, path, fields = {}, body = Buffer.alloc(0) }) {
  const section = Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [prefixed(ASCII.encode(name)), prefixed(ASCII.encode(value))]));
  return Buffer.concat([varint(0), ...[method, 'https', 'platform', path].map((text) => prefixed(ASCII.encode(text))), prefixed(section), prefixed(body), varint(0)]);
}

export function decodeResponse(message) {
  let at = 0;
  const integer = () => {
    const size = 1 << (message[at] >> 6);
    let value = message[at] & 63;
    for (let i = 1; i < size; i++) value = value * 256 + message[at + i];
    at += size;
    return value;
  };
  const take = () => {
    const size = integer();
    at += size;
    return message.subarray(at - size, at);
  };
  if (integer() !== 1) throw new Error('not a known-length response');
  const status = integer();
  const section = take();
  const fields = {};
  const outer = { at, message };
  message = section;
  for (at = 0; at < section.length;) {
    const name = take().toString();
    fields[name] = take().toString();
  }
  ({ at, message } = outer);
  return { status, fields, body: Buffer.from(take()) };
}

export class SealedClient {
  /** `platform` and `fetch` reach the platform's public listener. */
  constructor(platform, fetch) {
    this.platform = platform;
    this.fetch = fetch;
  }

  /** Takes the HPKE key and the statement from the platform's evidence. Judging them is other tests' business. */
  async connect() {
    const nonce = randomBytes(32).toString('base64url');
    const answer = await this.fetch(`${this.platform}/.well-known/lazaret/attestation?nonce=${nonce}`);
    this.evidence = await answer.json();
    const runtime = decodeJwt(this.evidence.token)['x-ms-runtime'];
    const config = Buffer.from(runtime.lazaret.ohttp, 'base64url');
    this.keyId = config[0];
    if (config.readUInt16BE(1) !== SUITE.kem) throw new Error('another KEM');
    this.publicKey = config.subarray(3, 35);
    this.thumbprint = runtime.lazaret.use.hpke;
    this.statementHash = createHash('sha256').update(this.evidence.statement).digest('base64url');
  }

  async seal(content) {
    const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
    const header = Buffer.from([this.keyId, SUITE.kem >> 8, SUITE.kem & 255, SUITE.kdf >> 8, SUITE.kdf & 255, SUITE.aead >> 8, SUITE.aead & 255]);
    const info = Buffer.concat([ASCII.encode('message/bhttp request'), Buffer.from([0]), header]);
    const recipientPublicKey = await suite.kem.deserializePublicKey(this.publicKey);
    const sender = await suite.createSenderContext({ recipientPublicKey, info });
    const sealed = Buffer.concat([header, Buffer.from(sender.enc), Buffer.from(await sender.seal(content))]);
    return { sealed, sender };
  }

  async open(sender, message) {
    const secret = Buffer.from(await sender.export(ASCII.encode('message/bhttp response'), 32));
    const responseNonce = message.subarray(0, 32);
    const salt = Buffer.concat([Buffer.from(sender.enc), responseNonce]);
    // hkdfSync extracts with the salt and expands under the info, as section 4.4 asks.
    const key = Buffer.from(hkdfSync('sha256', secret, salt, 'key', 32));
    const nonce = Buffer.from(hkdfSync('sha256', secret, salt, 'nonce', 12));
    const decipher = createDecipheriv('aes-256-gcm', key, nonce);
    decipher.setAuthTag(message.subarray(message.length - 16));
    return Buffer.concat([decipher.update(message.subarray(32, message.length - 16)), decipher.final()]);
  }

  post(sealed, thumbprint = this.thumbprint) {
    return this.fetch(`${this.platform}/sealed/${thumbprint}`, { method: 'POST', headers: { 'content-type': 'message/ohttp-req' }, body: sealed });
  }

  fields(extra = {}) {
    return { date: new Date().toUTCString(), 'lazaret-statement': this.statementHash, 'idempotency-key': randomBytes(12).toString('hex'),
      ...(this.session ? { authorization: `Bearer ${this.session}` } : {}), ...extra };
  }

  /** One sealed exchange; `body` may be bytes or an object. */
  async request(method, path, body, extraFields = {}) {
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const type = body === undefined || Buffer.isBuffer(body) ? {} : { 'content-type': path.startsWith('/fhir') ? 'application/fhir+json' : 'application/json' };
    const { sealed, sender } = await this.seal(encodeRequest({ method, path, fields: { ...this.fields(type), ...extraFields }, body: bytes }));
    const answer = await this.post(sealed);
    const text = Buffer.from(await answer.arrayBuffer());
    if (answer.status !== 200) return { clear: true, status: answer.status, body: text, json: () => JSON.parse(text) };
    const response = decodeResponse(await this.open(sender, text));
    return { ...response, json: () => JSON.parse(response.body) };
  }

  async signIn(user, password) {
    const answer = await this.request('POST', '/session', { user, password });
    if (answer.status === 201) this.session = answer.json().session;
    return answer;
  }
}
