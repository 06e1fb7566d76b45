/** npm run doctor: looks at the machine and at the stack of this home, and says what is wrong and what to do. */
import { logger } from '../../lib/runtime/logger.ts';
import { catalogueCheck } from './doctor/catalogue.ts';
import { count, type Finding, fail, ok, runChecks } from './doctor/check.ts';
import { healthCheck } from './doctor/health.ts';
import { kafkaCheck } from './doctor/kafka.ts';
import { machineChecks } from './doctor/machine.ts';
import { stackChecks } from './doctor/stack.ts';
import { findRunningStack, startCommand, useStack } from './found-stack.ts';
import { type Home, openHome } from './home.ts';

async function examine(home: Home): Promise<Finding[]> {
  const findings = await runChecks(machineChecks(home));
  let stack: ReturnType<typeof findRunningStack>;
  findings.push(
    ...(await runChecks([
      {
        name: 'stack',
        look: async () => {
          stack = findRunningStack(home);
          if (stack === undefined)
            return [
              fail(
                'stack',
                `none is running in ${home.path}, or it is not ready yet`,
                startCommand(home),
              ),
            ];
          useStack(home, stack);
          return [ok('stack', `${stack.url}, process ${stack.pid}, in ${home.path}`)];
        },
        todo: `stop the stack and start it again: ${startCommand(home)}`,
      },
    ])),
  );
  if (stack === undefined || findings.at(-1)?.status !== 'ok') return findings;
  const { brokers } = stack.kafka;
  findings.push(
    ...(await runChecks([
      ...stackChecks(home, stack),
      healthCheck(home),
      catalogueCheck(home),
      kafkaCheck(home, brokers),
    ])),
  );
  return findings;
}

// What the code of the domain logs about a part that is away, the checks say.
logger.setLogLevel('SILENT');
const findings = await examine(openHome(process.env));
const number = (status: Finding['status']): number =>
  findings.filter((finding) => finding.status === status).length;
console.log(
  `${count(findings.length, 'check')}: ${number('ok')} ok, ${number('warn')} warn, ${number('FAIL')} FAIL`,
);
// Connections that nobody answers are still open.
process.exit(number('FAIL') === 0 ? 0 : 1);
