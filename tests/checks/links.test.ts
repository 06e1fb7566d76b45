import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

/** Links between documents: a file that was moved, or a heading that was changed, breaks them silently. */
const documents = execFileSync('git', ['ls-files', '-coz', '--exclude-standard', '--', '*.md'], {
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '' && existsSync(path));

/** The anchors of the headings, as forges make them. */
const anchorsOf = (path: string): string[] =>
  [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

function brokenLinks(path: string): string[] {
  const prose = readFileSync(path, 'utf8').replaceAll(/```[^`]*```/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : join(dirname(path), file);
      if (!existsSync(linked)) return true;
      return anchor !== undefined && !anchorsOf(linked).includes(anchor);
    });
}

test.each(documents)('the links of %s lead to files and headings that are there', (path) => {
  expect(brokenLinks(path)).toEqual([]);
});
