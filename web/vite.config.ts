import { join } from 'node:path';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { exportRequestFields, exportRequestSchema } from '../lib/contracts/export-request.ts';
import type { RequestOptions } from './form/request-options.ts';

/**
 * What the request schema allows, read when the page is built: the schema itself stays out of the
 * bundle (28 kB gzip, and zod's compiler needs `unsafe-eval`, which the policy refuses).
 */
function requestOptions(): RequestOptions {
  const { shape } = exportRequestFields;
  const { minValue, maxValue } = shape.ttlSeconds.unwrap();
  if (minValue === null || maxValue === null) throw new Error('ttlSeconds has no limits');
  const { format, compression, consistency, ttlSeconds } = exportRequestSchema.parse({
    sources: ['any'],
    dataset: 'any',
    format: shape.format.options[0],
  });
  return {
    ttlBounds: { min: minValue, max: maxValue },
    defaults: { format, compression, consistency, ttlSeconds },
  };
}

/** React Aria carries its own words in 34 languages; the page is in English. Saves 8 kB gzip. */
function englishOnly(): Plugin {
  const otherLanguage = /\/react-aria[^/]*\/.*\/intl\/.*\/(?!en-US)[a-z]{2}-[A-Z]{2}\.mjs$/;
  return {
    name: 'react-aria-english-only',
    enforce: 'pre',
    load: (id) => (otherLanguage.test(id) ? 'export default {};' : undefined),
  };
}

const backend = process.env['STREAMSYNC_URL'] ?? 'http://localhost:8080';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss(), englishOnly()],
  define: { REQUEST_OPTIONS: JSON.stringify(requestOptions()) },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index.html', 'download-refused.html'].map((name) => join(import.meta.dirname, name)),
    },
  },
  server: { proxy: { '/api': backend, '/files': backend } },
});
