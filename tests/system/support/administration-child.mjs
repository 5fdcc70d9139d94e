// SPDX-License-Identifier: Apache-2.0
// Azure's own administration client, unmodified, in a process of its own: it takes its trust anchor from the environment
// (NODE_EXTRA_CA_CERTS), and what it validates is left at its default, which is everything. Questions come over the channel to the parent.
import { AttestationAdministrationClient } from '@azure/attestation';

const clients = new Map();
function clientOf({ url, bearer }) {
  const key = `${url} ${bearer}`;
  if (!clients.has(key)) clients.set(key, new AttestationAdministrationClient(url, { getToken: async () => ({ token: bearer, expiresOnTimestamp: Date.now() + 3600000 }) }));
  return clients.get(key);
}

const plain = (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : Array.isArray(value) ? value.map(plain)
  : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)])) : value);

process.on('message', async ({ id, call, at, words }) => {
  try {
    const result = await clientOf(at)[call](...words);
    process.send({ id, body: plain(result.body), token: result.token.serialize() });
  } catch (error) {
    process.send({ id, error: { name: error?.name, code: error?.code, statusCode: error?.statusCode, message: String(error?.message) } });
  }
});
