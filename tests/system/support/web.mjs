// SPDX-License-Identifier: Apache-2.0
// fetch over HTTPS with one trust anchor: Node's own fetch takes no CA, so this is a small one over node:https.
import https from 'node:https';
import { readFileSync } from 'node:fs';

export function fetchWith(caFile) {
  const agent = new https.Agent({ ca: readFileSync(caFile), keepAlive: true });
  const fetchIt = (url, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const request = https.request(url, { method, headers: { ...headers, ...(body ? { 'content-length': Buffer.byteLength(body) } : {}) }, agent }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: response.statusCode, headers: response.headers, arrayBuffer: async () => bytes, text: async () => bytes.toString(), json: async () => JSON.parse(bytes) });
        });
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end(body);
    });
  fetchIt.close = () => agent.destroy();
  return fetchIt;
}
