// SPDX-License-Identifier: Apache-2.0
// node recorder.mjs PATH TARGET FOLDER: stands at the Unix socket PATH before the one at TARGET, passes everything on, and writes
// each direction of each connection to a file of its own. A process by itself, because its parent is often busy.
import { createWriteStream } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

const [path, target, folder] = process.argv.slice(2);
let count = 0;

const server = net.createServer({ allowHalfOpen: true }, (caller) => {
  const callee = net.connect({ path: target, allowHalfOpen: true });
  const number = ++count;
  for (const [from, to, way] of [[caller, callee, 'in'], [callee, caller, 'out']]) {
    const file = createWriteStream(join(folder, `${number}.${way}`));
    from.on('data', (bytes) => {
      // First kept, then passed on: what has arrived can be read.
      file.write(bytes, () => to.write(bytes));
    });
    from.on('end', () => file.end(() => to.end()));
    from.on('error', () => to.destroy());
  }
});
server.listen(path, () => process.send('listening'));
process.on('disconnect', () => process.exit(0));
