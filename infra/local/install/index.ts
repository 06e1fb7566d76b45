/** Everything a stack is made of that does not come with npm: found or installed, once for all stacks of a clone. */
import { join } from 'node:path';
import type { ToolContext } from './apt.ts';
import { lock } from './lock.mjs';
import { PARTS } from './parts/install.ts';
import { java, maven } from './parts/java.ts';
import { installKafka, kafkaIsInstalled, kafkaNeedsMaven } from './parts/kafka.ts';
import { installLocalstack, localstackIsInstalled } from './parts/localstack.ts';
import { nginx } from './parts/nginx.ts';
import { python } from './parts/python.ts';
import type { Ports } from './ports.ts';
import { together } from './processes.ts';
import { findTools, type Tool } from './tools.ts';

export interface Parts {
  java: string;
  nginx: string;
}

export interface PartsContext extends Omit<ToolContext, 'report'> {
  report: (part: string, text: string) => void;
  ports: Ports;
  /** Ends what goes on beside a step that failed. */
  abort: (reason: unknown) => void;
}

export async function installParts(context: PartsContext): Promise<Parts> {
  const forPart = (part: string): ToolContext => ({
    ...context,
    report: (text) => context.report(part, text),
  });
  const tool = await findTools(neededTools(), forPart('system'));
  const parts: Parts = { java: tool(java), nginx: tool(nginx) };
  const complete = (): boolean => kafkaIsInstalled(parts.java) && localstackIsInstalled();
  if (complete()) return parts;

  const held = await lock(join(PARTS, 'locks/parts'), {
    signal: context.signal,
    onWait: (pid) => context.report('system', `process ${pid} is installing the parts, waiting`),
  });
  try {
    const missing = await findTools(neededTools(), forPart('system'));
    await together(context.abort, [
      installKafka(
        parts.java,
        () => missing(maven),
        [context.ports.kafka, context.ports.kafkaController],
        forPart('kafka'),
      ),
      installLocalstackIfNeeded(() => missing(python), forPart('localstack')),
    ]);
  } finally {
    held.release();
  }
  return parts;
}

/** Maven and Python's installer are asked for only while there is something to install with them. */
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
