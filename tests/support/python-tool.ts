import { join } from 'node:path';
import { lock } from '../../infra/bootstrap/pid-lock.mjs';
import { inheritedEnvironment } from '../../infra/local/environment.ts';
import { repoRoot } from '../../infra/local/home/home.ts';
import {
  installPythonTool,
  type PythonTool,
  python as pythonTool,
  pythonToolIsInstalled,
} from '../../infra/local/install/python.ts';
import { findTools } from '../../infra/local/install/system-tools.ts';
import { toolCache } from '../../infra/local/install/tool-cache.ts';

/** Installs the Python packages of a test once per clone. Throws if the installation takes longer than `seconds`. */
export async function installForTests(target: PythonTool, seconds: number): Promise<void> {
  if (pythonToolIsInstalled(target)) return;
  const context = {
    environment: inheritedEnvironment(process.env),
    cwd: repoRoot,
    signal: AbortSignal.timeout(seconds * 1_000),
    report: (text: string) => console.info(`${target.name}: ${text}`),
  };
  const toolLock = await lock(join(toolCache, 'locks/parts'), { signal: context.signal });
  try {
    const tool = await findTools([pythonTool], context);
    await installPythonTool(target, tool(pythonTool), context);
  } finally {
    toolLock.release();
  }
}
