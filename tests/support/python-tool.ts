import { join } from 'node:path';
import { inheritedEnvironment } from '../../infra/local/environment.ts';
import { REPO } from '../../infra/local/home.ts';
import { lock } from '../../infra/local/lock.mjs';
import { PARTS } from '../../infra/local/parts/install.ts';
import {
  installPythonPart,
  type PythonPart,
  pythonPartIsInstalled,
  python as pythonTool,
} from '../../infra/local/parts/python.ts';
import { findTools } from '../../infra/local/tools.ts';

/** Installs the packages of a test once for a clone, as the parts of the stack are; throws if that takes longer. */
export async function installForTests(part: PythonPart, seconds: number): Promise<void> {
  if (pythonPartIsInstalled(part)) return;
  const context = {
    environment: inheritedEnvironment(process.env),
    cwd: REPO,
    signal: AbortSignal.timeout(seconds * 1_000),
    report: (text: string) => console.info(`${part.name}: ${text}`),
  };
  const held = await lock(join(PARTS, 'locks/parts'), { signal: context.signal });
  try {
    const tool = await findTools([pythonTool], context);
    await installPythonPart(part, tool(pythonTool), context);
  } finally {
    held.release();
  }
}
