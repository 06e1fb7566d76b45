/**
 * Programs of the operating system that the stack needs: found where they are, installed where that is possible
 * without asking (root on Debian or Ubuntu), and otherwise named all at once with the commands that bring them.
 */
import { existsSync } from 'node:fs';
import { installWithApt, mayUseApt, type ToolContext } from './apt.ts';
import { StackError } from './errors.ts';
import { run } from './processes.ts';

export interface Tool {
  /** For people: "Java 17 or newer". */
  what: string;
  apt: readonly string[];
  brew: readonly string[];
  /** → the program's path, or undefined when there is none that fits. */
  find(look: Look): Promise<string | undefined>;
}

/** Runs a program that may not exist → its output (standard error included where a program writes its version there). */
export type Look = (command: string, args: readonly string[]) => Promise<string | undefined>;

/**
 * → where each of them is.
 * @throws StackError listing everything that is missing.
 */
export async function findTools(
  tools: readonly Tool[],
  context: ToolContext,
): Promise<(tool: Tool) => string> {
  let paths = await lookForAll(tools, context);
  const missing = (): Tool[] => tools.filter((tool) => !paths.has(tool));
  if (missing().length > 0 && mayUseApt()) {
    await installWithApt(
      missing().flatMap((tool) => tool.apt),
      context,
    );
    paths = await lookForAll(tools, context);
  }
  if (missing().length > 0) throw missingMessage(missing());
  return (tool) => {
    const path = paths.get(tool);
    if (path === undefined) throw new Error(`nobody looked for ${tool.what}`);
    return path;
  };
}

async function lookForAll(
  tools: readonly Tool[],
  context: ToolContext,
): Promise<Map<Tool, string>> {
  const look: Look = async (command, args) => {
    try {
      // Through sh, to have both outputs in one: java and nginx write their versions to standard error.
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
      const path = await tool.find(look);
      if (path !== undefined) paths.set(tool, path);
    }),
  );
  return paths;
}

function missingMessage(missing: readonly Tool[]): StackError {
  const list = (names: (tool: Tool) => readonly string[]): string =>
    [...new Set(missing.flatMap(names))].join(' ');
  return new StackError(
    [
      'StreamSync needs programs that are not on this machine:',
      ...missing.map((tool) => `  - ${tool.what}`),
      `Debian, Ubuntu:  sudo apt-get install --no-install-recommends ${list((tool) => tool.apt)}`,
      `macOS:           brew install ${list((tool) => tool.brew)}`,
      'Then start again.',
    ].join('\n'),
  );
}

/** → the first candidate (a path, or a name on PATH) whose answer fits. */
export async function firstFitting(
  look: Look,
  candidates: readonly string[],
  args: readonly string[],
  fits: (answer: string) => boolean,
): Promise<string | undefined> {
  for (const candidate of candidates) {
    if (candidate.startsWith('/') && !existsSync(candidate)) continue;
    const answer = await look(candidate, args);
    if (answer !== undefined && fits(answer)) return candidate;
  }
  return undefined;
}
