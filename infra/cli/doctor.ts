/** npm run doctor: checks the machine and the stack of this home, and says how to fix what is wrong. */
import { logger } from '../../lib/runtime/logger.ts';
import { type Home, openHome } from '../local/home/home.ts';
import {
  applyStackEnvironment,
  findRunningStack,
  startCommand,
} from '../local/home/running-stack.ts';
import { catalogueCheck } from './doctor/catalogue.ts';
import { count, type DoctorFinding, fail, ok, runChecks } from './doctor/check.ts';
import { healthCheck } from './doctor/health.ts';
import { kafkaCheck } from './doctor/kafka.ts';
import { machineChecks } from './doctor/machine.ts';
import { readingsChecks } from './doctor/readings.ts';
import { stackChecks } from './doctor/stack.ts';

async function examine(home: Home): Promise<DoctorFinding[]> {
  const findings = await runChecks(machineChecks(home));
  let stack: ReturnType<typeof findRunningStack>;
  findings.push(
    ...(await runChecks([
      {
        name: 'stack',
        run: async () => {
          stack = findRunningStack(home);
          if (stack === undefined)
            return [
              fail(
                'stack',
                `no stack is running in ${home.path}, or it is not ready yet`,
                startCommand(home),
              ),
            ];
          applyStackEnvironment(home, stack);
          return [ok('stack', `${stack.url}, process ${stack.pid}, in ${home.path}`)];
        },
        fix: `stop the stack and start it again: ${startCommand(home)}`,
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
      ...readingsChecks(home),
    ])),
  );
  return findings;
}

// The checks report what lib logs about a component that does not answer.
logger.setLogLevel('SILENT');
const findings = await examine(openHome(process.env));
function countOf(status: DoctorFinding['status']): number {
  return findings.filter((finding) => finding.status === status).length;
}
console.log(
  `${count(findings.length, 'check')}: ${countOf('ok')} ok, ${countOf('warn')} warn, ${countOf('FAIL')} FAIL`,
);
// Connections of checks that timed out are still open.
process.exit(countOf('FAIL') === 0 ? 0 : 1);
