import { join } from 'node:path';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { exportRequestFields, exportRequestSchema } from '../lib/contracts/export-request.ts';
import type { RequestOptions } from './form/request-options.ts';

/**
 * Returns limits and defaults of the request schema, read when the page is built. The schema itself stays out of the
 * bundle: it has 28 kB gzip, and zod's compiler needs `unsafe-eval`, which the policy forbids.
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

/** Removes the texts of React Aria in 33 languages: the page is in English. Saves 8 kB gzip. */
function englishOnly(): Plugin {
  const otherLanguage = /\/react-aria[^/]*\/.*\/intl\/.*\/(?!en-US)[a-z]{2}-[A-Z]{2}\.mjs$/;
  return {
    name: 'react-aria-english-only',
    enforce: 'pre',
    load: (id) => (otherLanguage.test(id) ? 'export default {};' : undefined),
  };
}

/**
 * Marks the components and contexts of React Router as removable: it exports them by calls and then names them, which a
 * bundler must keep. Saves 2 kB gzip.
 */
function unusedRouterParts(): Plugin {
  return {
    name: 'react-router-unused-parts',
    transform: {
      filter: { id: /\/node_modules\/react-router\// },
      handler: (code) => ({
        code: code
          .replace(/^\w+\.displayName = .*;$/gm, '')
          .replace(/(?<== )(?=React\$1\.(?:forwardRef|createContext)\()/g, '/* @__PURE__ */ '),
        map: null,
      }),
    },
  };
}

/** Modules of several pages. In chunks of their own, which are small, they have 2 kB gzip more. */
const sharedModules =
  /\/web\/(state|time|api|account\/me|ui\/(now|quantity|details|button|icons|link|field|panels|media|announcer|navigate|disclosure|modal|page|menu-on-demand|back-link|copy-button|idempotency-key)|layout\/templates|exports\/(queries|use-actions|choices|condition-text|labels|status|polling-state|newer-document)|form\/(draft|draft-context|draft-in-tab|last-choices|link-fields|conditions|request-options)\.)/;

const backend = process.env['STREAMSYNC_URL'] ?? 'http://localhost:8080';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss(), englishOnly(), unusedRouterParts()],
  define: { REQUEST_OPTIONS: JSON.stringify(requestOptions()) },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              test: sharedModules,
            },
          ],
        },
      },
      input: ['index.html', 'download-refused.html'].map((name) => join(import.meta.dirname, name)),
    },
  },
  server: { proxy: { '/api': backend, '/files': backend } },
});
