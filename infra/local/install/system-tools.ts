/**
 * Finds the system programs that the stack needs, installs them if it may (root on Debian or Ubuntu), and otherwise
 * names all missing programs with the commands that install them.
 */
import { existsSync } from 'node:fs';
import { StackError } from '../errors.ts';
import { run } from '../processes.ts';
import { canUseApt, installWithApt, lockApt, type ToolContext } from './apt.ts';

export interface Tool {
  /** The name in messages: "Java 17 or newer". */
  what: string;
  apt: readonly string[];
  brew: readonly string[];
  /** Returns the path of a compatible program, or undefined. */
  find(probe: ToolProbe): Promise<string | undefined>;
}

/** Runs a program and returns its output, standard error included; undefined if it does not exist or fails. */
export type ToolProbe = (command: string, args: readonly string[]) => Promise<string | undefined>;

/** Returns a lookup of the tools' paths. Throws a StackError that lists every missing program. */
export async function findTools(
  tools: readonly Tool[],
  context: ToolContext,
): Promise<(tool: Tool) => string> {
  let paths = await findAll(tools, context);
  const missing = (): Tool[] => tools.filter((tool) => !paths.has(tool));
  if (missing().length > 0 && canUseApt()) {
    const { release } = await lockApt(context);
    try {
      // Another process may have installed them while this one waited.
      paths = await findAll(tools, context);
      if (missing().length > 0) {
        await installWithApt(
          missing().flatMap((tool) => tool.apt),
          context,
        );
        paths = await findAll(tools, context);
      }
    } finally {
      release();
    }
  }
  if (missing().length > 0) throw missingError(missing());
  return (tool) => {
    const path = paths.get(tool);
    if (path === undefined) throw new Error(`${tool.what} was not among the tools to find`);
    return path;
  };
}

async function findAll(tools: readonly Tool[], context: ToolContext): Promise<Map<Tool, string>> {
  const probe: ToolProbe = async (command, args) => {
    try {
      // sh joins both outputs: java and nginx write their versions to standard error.
      return await run({
        what: `asking ${command}`,
        command: 'sh',
        args: ['-c', 'exec "$0" "$@" 2>&1', command, ...args],
        env: context.environment,
        cwd: context.cwd,
        seconds: 20,
        signal: context.signal,
      });
    } catch {
      context.signal.throwIfAborted();
      return undefined;
    }
  };
  const paths = new Map<Tool, string>();
  await Promise.all(
    tools.map(async (tool) => {
      const path = await tool.find(probe);
      if (path !== undefined) paths.set(tool, path);
    }),
  );
  return paths;
}

function missingError(missing: readonly Tool[]): StackError {
  const list = (names: (tool: Tool) => readonly string[]): string =>
    [...new Set(missing.flatMap(names))].join(' ');
  return new StackError(
    [
      'StreamSync needs programs that this machine does not have:',
      ...missing.map((tool) => `  - ${tool.what}`),
      `Debian, Ubuntu:  sudo apt-get install --no-install-recommends ${list((tool) => tool.apt)}`,
      `macOS:           brew install ${list((tool) => tool.brew)}`,
      'Then start again.',
    ].join('\n'),
  );
}

/** Returns the first candidate (a path, or a name on PATH) whose output `isCompatible` accepts. */
export async function firstCompatible(
  probe: ToolProbe,
  candidates: readonly string[],
  args: readonly string[],
  isCompatible: (answer: string) => boolean,
): Promise<string | undefined> {
  for (const candidate of candidates) {
    if (candidate.startsWith('/') && !existsSync(candidate)) continue;
    const answer = await probe(candidate, args);
    if (answer !== undefined && isCompatible(answer)) return candidate;
  }
  return undefined;
}
