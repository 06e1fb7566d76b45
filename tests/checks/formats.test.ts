import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { formats } from '../../lib/contracts/format-capabilities.ts';

/** What CONTRIBUTING.md says of adding a format, compared with the files that there are. */
const section =
  /^### A format\n(.*?)(?=^##)/ms.exec(readFileSync('CONTRIBUTING.md', 'utf8'))?.[1] ?? '';
const [, everyFormat = '', byFormat = ''] = section.split(/^.*:\n\n(?=- )/m);

/** The paths before the colon of each item. */
const pathsIn = (list: string): string[] =>
  [...list.matchAll(/^- ([^:]*):/gm)].flatMap(([, head = '']) =>
    [...head.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
  );

const namingAll = pathsIn(everyFormat);

/** The formats that a file names: as text or key in a program, as code in a document. */
function formatsIn(path: string): string[] {
  const content = readFileSync(path, 'utf8');
  if (path.endsWith('.md')) return formats.filter((format) => content.includes(`\`${format}\``));
  const kind = path.endsWith('.tsx') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) names.add(node.text);
    else if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, content, ts.ScriptTarget.Latest, false, kind));
  return formats.filter((format) => names.has(format));
}

test('CONTRIBUTING.md has both lists', () => {
  expect(namingAll.length).toBeGreaterThan(10);
  expect(pathsIn(byFormat).length).toBeGreaterThan(5);
});

describe('a file that CONTRIBUTING.md names for a new format', () => {
  test.each([...namingAll, ...pathsIn(byFormat)])('is there: %s', (path) => {
    expect(existsSync(path)).toBe(true);
  });

  test.each(namingAll)('names every format: %s', (path) => {
    expect(formatsIn(path)).toEqual(formats);
  });
});

test('a program that names every format is in the list of CONTRIBUTING.md', () => {
  const programs = execFileSync(
    'git',
    ['ls-files', '-coz', '--exclude-standard', '--', '*.ts', '*.tsx'],
    { encoding: 'utf8' },
  )
    .split('\0')
    .filter((path) => path !== '' && existsSync(path));
  const naming = programs.filter((path) => formatsIn(path).length === formats.length);
  expect(naming.filter((path) => !namingAll.includes(path))).toEqual([]);
});
