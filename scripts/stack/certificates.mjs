// SPDX-License-Identifier: Apache-2.0
// Web certificates for loopback: a local CA and one server certificate, made by openssl once and kept. The outer TLS that they
// serve may end at any load balancer: what protects patients is sealed inside it.
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.mjs';

const DAYS = 365;

export function webCertificates(folder) {
  const path = (name) => join(folder, name);
  const result = { ca: path('ca.pem'), certificate: path('server.pem'), key: path('server.key') };
  const isFresh = existsSync(result.certificate) && Date.now() - statSync(result.certificate).mtimeMs < (DAYS - 30) * 86400e3;
  if (isFresh) return result;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  run('openssl', ['req', '-x509', ...ecKey, '-keyout', path('ca.key'), '-out', result.ca, '-days', String(DAYS), '-subj',
    '/CN=Lazaret local web CA', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign']);
  run('openssl', ['req', ...ecKey, '-keyout', result.key, '-out', path('server.csr'), '-subj', '/CN=localhost']);
  writeFileSync(path('server.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n' +
    'keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n');
  run('openssl', ['x509', '-req', '-in', path('server.csr'), '-CA', result.ca, '-CAkey', path('ca.key'), '-CAcreateserial', '-out',
    result.certificate, '-days', String(DAYS), '-extfile', path('server.ext')]);
  // Nothing more is to be signed with it.
  for (const name of ['ca.key', 'ca.srl', 'server.csr', 'server.ext']) rmSync(path(name), { force: true });
  return result;
}
