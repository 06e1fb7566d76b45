import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { sizeText } from '../../contracts/sizes.ts';
import { deadLetterTopicOf, type TopicSettings } from '../../messaging/topics.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { lettersOf, type Pipeline, pipelineSchema } from './definition.ts';
import { limits } from './limits.ts';

/** What is wrong with the files of pipelines, one fault a line: `file:line: field message`. */
export class PipelineFileError extends Error {
  constructor(faults: readonly string[], options?: ErrorOptions) {
    super(faults.join('\n'), options);
    this.name = 'PipelineFileError';
  }
}

/** Returns the paths of a list with commas, as `STREAMSYNC_PIPELINES` has it. */
export const pathsIn = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '');

/** Returns the topics that pipelines need: each of them with one for its dead letters. */
export const topicsOf = (pipelines: readonly Pipeline[]): TopicSettings[] =>
  pipelines.flatMap(({ topic, partitions }) => [
    { name: topic, partitions },
    { name: deadLetterTopicOf(topic), partitions: 1 },
  ]);

const extensions: readonly string[] = ['.yaml', '.yml', '.json'];

/**
 * Reads pipelines from files, and from all `.yaml`, `.yml` and `.json` files of directories. Throws a
 * `PipelineFileError` that names every fault of all files.
 *
 * @param paths relative to the working directory
 */
export function readPipelines(paths: readonly string[]): Pipeline[] {
  const faults: string[] = [];
  const attempt = <T>(work: () => T[]): T[] => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PipelineFileError)) throw error;
      faults.push(error.message);
      return [];
    }
  };
  const files = paths.flatMap((path) => attempt(() => filesAt(path)));
  const pipelines = files.flatMap((file) => attempt(() => [readPipeline(file)]));
  faults.push(...faultsBetween(pipelines));
  if (pipelines.length > limits.pipelines)
    faults.push(`there are ${pipelines.length} pipelines; the limit is ${limits.pipelines}`);
  if (faults.length > 0) throw new PipelineFileError(faults);
  return pipelines;
}

function filesAt(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => extensions.includes(extname(name)))
      .toSorted()
      .map((name) => join(path, name))
      .filter((file) => statSync(file).isFile());
  } catch (cause) {
    throw new PipelineFileError([`${path}: cannot be read: ${errorMessage(cause)}`], { cause });
  }
}

function faultsBetween(pipelines: readonly Pipeline[]): string[] {
  const clashes = (keyOf: (pipeline: Pipeline) => string, what: string): string[] =>
    [...Map.groupBy(pipelines, keyOf).values()]
      .filter(({ length }) => length > 1)
      .map((same) => `${same.map(({ file }) => file).join(', ')}: ${what}`);
  return [
    ...clashes(({ name }) => name, 'two pipelines have the same name'),
    ...clashes(
      ({ topic }) => lettersOf(topic),
      'two pipelines have the same topic, or topics that differ only in signs',
    ),
  ];
}

/** Reads a pipeline from a file of YAML or JSON. Throws a `PipelineFileError` that names each fault with its line. */
export function readPipeline(file: string): Pipeline {
  const text = textOf(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) {
    const { line } = lines.linePos(broken.pos[0]);
    throw new PipelineFileError([
      `${file}:${line}: is not YAML: ${broken.message} (an expression that has ": " or " #", or begins with a sign, needs quotes)`,
    ]);
  }
  const parsed = pipelineSchema.safeParse(valueOf(document, file), { reportInput: true });
  if (parsed.success) return { ...parsed.data, name: basename(file, extname(file)), file };
  const faults = parsed.error.issues.flatMap((issue) =>
    faultsOf(issue).map(({ path, message }) => {
      const at = offsetOf(document.contents, path);
      const { line } = lines.linePos(at);
      return { line: Math.max(line, 1), text: `${path.map(String).join('.')} ${message}`.trim() };
    }),
  );
  throw new PipelineFileError(
    faults
      .toSorted((a, b) => a.line - b.line)
      .map(({ line, text: fault }) => `${file}:${line}: ${fault}`),
  );
}

function textOf(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PipelineFileError([`${file}: cannot be read: ${errorMessage(cause)}`], { cause });
  }
  if (Buffer.byteLength(text) > limits.fileBytes)
    throw new PipelineFileError([`${file}: has more than ${sizeText(limits.fileBytes)} bytes`]);
  return text;
}

function valueOf(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return value;
  } catch (cause) {
    throw new PipelineFileError([`${file}:1: is not YAML: ${errorMessage(cause)}`], { cause });
  }
}

interface Fault {
  path: readonly PropertyKey[];
  message: string;
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const { path } = issue;
  if (issue.input === undefined && path.length > 0) return [{ path, message: 'is required' }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        message:
          path.length === 0
            ? `is not a field of a pipeline: those are ${Object.keys(pipelineSchema.shape).join(', ')}`
            : `is not a field of ${path.map(String).join('.')}`,
      }));
    case 'invalid_value':
      return [{ path, message: `must be ${issue.values.map(String).join(', ')}` }];
    case 'invalid_type':
      if (path.length === 0)
        return [{ path, message: 'a pipeline is an object with topic, format, series, at, value' }];
      break;
    default:
  }
  const isOurs = /^[a-z]/.test(issue.message);
  return [{ path, message: isOurs ? issue.message : `is wrong: ${issue.message}` }];
}

/** Returns the position of a field in the text: of its name, or where it is missing, of what should have it. */
function offsetOf(contents: Node | null, path: readonly PropertyKey[]): number {
  let node: unknown = contents;
  let offset = contents?.range?.[0] ?? 0;
  for (const step of path) {
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && key.value === step)
      : undefined;
    if (!pair) {
      const item: unknown = isMap(node) ? undefined : itemAt(node, step);
      if (item === undefined) return offset;
      node = item;
      offset = startOf(item) ?? offset;
      continue;
    }
    offset = startOf(pair.key) ?? offset;
    node = pair.value;
  }
  return offset;
}

function itemAt(node: unknown, step: PropertyKey): unknown {
  if (typeof step !== 'number' || typeof node !== 'object' || node === null) return undefined;
  return 'items' in node && Array.isArray(node.items) ? node.items[step] : undefined;
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);
