// SPDX-License-Identifier: Apache-2.0
//
// Drawn pictures for working on the pages: a film that is plainly none, and a heat map.

import { deflateSync } from 'node:zlib';

function crc(bytes: Uint8Array): number {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc(body));
  return Buffer.concat([head, body, tail]);
}

export function greyPng(width: number, height: number, grey: (x: number, y: number) => number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = Math.max(0, Math.min(255, grey(x / width, y / height)));
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function blob(x: number, y: number, cx: number, cy: number, rx: number, ry: number): number {
  const d = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2;
  return 1 / (1 + Math.exp((d - 1) * 8));
}

export function drawnFilm(width: number, height: number): Buffer {
  return greyPng(width, height, (x, y) => {
    const lungs = blob(x, y, 0.32, 0.48, 0.17, 0.34) + blob(x, y, 0.69, 0.48, 0.17, 0.34);
    const ribs = 18 * Math.sin(y * 55 + 6 * (x - 0.5) ** 2 * 10);
    const body = 175 * blob(x, y, 0.5, 0.62, 0.47, 0.7);
    const heart = 60 * blob(x, y, 0.55, 0.62, 0.14, 0.19);
    const haze = 45 * blob(x, y, 0.7, 0.62, 0.09, 0.09);
    return 12 + body - 120 * lungs + (lungs > 0.5 ? ribs : 0) + heart + haze + 40 * blob(x, y, 0.5, 0.5, 0.04, 0.6);
  });
}

export function drawnHeat(): Buffer {
  return greyPng(14, 14, (x, y) => 255 * blob(x, y, 0.7, 0.62, 0.15, 0.14));
}
