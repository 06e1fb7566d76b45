/** Finds or installs the tools of a stack that do not come with npm, once for all stacks of a clone. */
import { join } from 'node:path';
import { lock } from '../../bootstrap/pid-lock.mjs';
import type { Ports } from '../ports.ts';
import { allOrAbort } from '../processes.ts';
import { installKafka, kafkaIsInstalled, kafkaNeedsMaven } from '../services/kafka.ts';
import { installLocalstack, localstackIsInstalled } from '../services/localstack.ts';
import { nginx } from '../services/nginx.ts';
import type { ToolContext } from './apt.ts';
import { java, maven } from './java.ts';
import { python } from './python.ts';
import { findTools, type Tool } from './system-tools.ts';
import { toolCache } from './tool-cache.ts';

export interface ToolPaths {
  java: string;
  nginx: string;
}

export interface InstallContext extends Omit<ToolContext, 'report'> {
  report: (component: string, text: string) => void;
  ports: Ports;
  /** Ends the other steps after one has failed. */
  abort: (reason: unknown) => void;
}

export async function installTools(context: InstallContext): Promise<ToolPaths> {
  const forTool = (name: string): ToolContext => ({
    ...context,
    report: (text) => context.report(name, text),
  });
  const tool = await findTools(neededTools(), forTool('system'));
  const paths: ToolPaths = { java: tool(java), nginx: tool(nginx) };
  const complete = (): boolean => kafkaIsInstalled(paths.java) && localstackIsInstalled();
  if (complete()) return paths;

  const installLock = await lock(join(toolCache, 'locks/parts'), {
    signal: context.signal,
    onWait: (pid) => context.report('system', `process ${pid} is installing the tools, waiting`),
  });
  try {
    const missing = await findTools(neededTools(), forTool('system'));
    await allOrAbort(context.abort, [
      installKafka(
        paths.java,
        () => missing(maven),
        [context.ports.kafka, context.ports.kafkaController],
        forTool('kafka'),
      ),
      installLocalstackIfNeeded(() => missing(python), forTool('localstack')),
    ]);
  } finally {
    installLock.release();
  }
  return paths;
}

/** Maven and Python are needed only if something has to be installed with them. */
function neededTools(): Tool[] {
  return [
    java,
    nginx,
    ...(kafkaNeedsMaven() ? [maven] : []),
    ...(localstackIsInstalled() ? [] : [python]),
  ];
}

async function installLocalstackIfNeeded(
  pythonPath: () => string,
  context: ToolContext,
): Promise<void> {
  if (!localstackIsInstalled()) await installLocalstack(pythonPath(), context);
}
