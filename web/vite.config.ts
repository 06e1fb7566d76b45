import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { exportRequestSchema } from '../lib/contracts/export-request.ts';

/**
 * Gives the page what the request schema allows, read when the page is built: the schema itself stays
 * out of the bundle (28 kB gzip, and zod's compiler needs `unsafe-eval`, which the policy refuses).
 */
function requestOptions(): Plugin {
  const { format, ttlSeconds } = exportRequestSchema.shape;
  const { minValue, maxValue } = ttlSeconds.unwrap();
  const id = 'virtual:request-options';
  return {
    name: 'request-options',
    resolveId: (asked) => (asked === id ? `\0${id}` : undefined),
    load: (asked) =>
      asked === `\0${id}`
        ? [
            `export const formats = ${JSON.stringify(format.options)};`,
            `export const ttlBounds = ${JSON.stringify({ min: minValue, max: maxValue })};`,
          ].join('\n')
        : undefined,
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
  plugins: [react(), tailwindcss(), requestOptions(), englishOnly()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': backend, '/files': backend } },
});
