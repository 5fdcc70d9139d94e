// SPDX-License-Identifier: Apache-2.0
// Free loopback ports. A port that was used last time is taken again if it is free, so that addresses stay the same.
import { createServer } from 'node:net';

function tryPort(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(0));
    server.listen(port, '127.0.0.1', () => {
      const taken = server.address().port;
      server.close(() => resolve(taken));
    });
  });
}

/** `wanted` maps names to ports (0: any). Answers a map of the same names to free ports. */
export async function freePorts(wanted) {
  const ports = {};
  const used = new Set();
  for (const [name, port] of Object.entries(wanted)) {
    let free = port && !used.has(port) ? await tryPort(port) : 0;
    while (!free || used.has(free)) free = await tryPort(0);
    used.add(free);
    ports[name] = free;
  }
  return ports;
}
