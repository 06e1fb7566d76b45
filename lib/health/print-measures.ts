import { serializeError } from '../runtime/errors.ts';
import { logger } from '../runtime/logger.ts';
import { type Metric, printMetrics } from '../runtime/metrics.ts';
import { measureCatalogue } from './measure-catalogue.ts';

/** Prints what `/health` knows of the catalogue as metrics, on which alarms are set. Logs it if the catalogue is down. */
export async function printMeasures(): Promise<void> {
  try {
    const measured = await measureCatalogue();
    printMetrics(
      {},
      {
        unsentMessages: seconds(measured.unsentSeconds),
        waitingExports: seconds(measured.waitingSeconds),
        messagesSetAside: count(measured.setAside),
        closedSlots: count(measured.closedSlots),
        deadLettersOfExports: count(measured.deadLetters),
        deadLettersOfReadings: count(measured.rejectedReadings),
      },
    );
  } catch (error) {
    logger.error('the catalogue was not measured', { error: serializeError(error) });
  }
}

const count = (value: number): Metric => ({ unit: 'Count', value });
const seconds = (value: number | null): Metric => ({ unit: 'Seconds', value: value ?? 0 });
