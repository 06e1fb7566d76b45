/** npm run metrics -- [minutes]: prints what the functions of a home have measured, from their logs. */
import { z } from 'zod';
import { openHome } from '../local/home/home.ts';
import { logFiles } from './log-files.ts';
import { readMetrics, tableOf } from './metrics/read-metrics.ts';

const usage = 'usage: npm run metrics -- [minutes, 60 by default, at most 10,080]';
const argumentsSchema = z.union([
  z.tuple([]).transform(() => 60),
  z.tuple([z.coerce.number().positive().max(10_080)]).transform(([minutes]) => minutes),
]);

const parsedArguments = argumentsSchema.safeParse(process.argv.slice(2));
if (!parsedArguments.success) {
  console.error(usage);
  process.exit(2);
}
const home = openHome(process.env);
const since = Date.now() - parsedArguments.data * 60_000;
const series = await readMetrics(logFiles(home), since);
if (series.length === 0) {
  console.error(
    `The logs in ${home.path} have no metrics of the last ${parsedArguments.data} minutes.`,
  );
  process.exit(1);
}
console.log(tableOf(series));
