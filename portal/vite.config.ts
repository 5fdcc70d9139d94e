// SPDX-License-Identifier: Apache-2.0
//
// One script and one style sheet with fixed names; scripts/release.mjs names them by their digests.

import { defineConfig } from 'vite';

export default defineConfig({
  define: { LAZARET_RELEASE: JSON.stringify(process.env['LAZARET_RELEASE'] === '1') },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    cssCodeSplit: false,
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      input: 'src/main.ts',
      output: { entryFileNames: 'portal.js', assetFileNames: 'portal[extname]', inlineDynamicImports: true },
    },
  },
});
