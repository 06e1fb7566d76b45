import { Logger } from '@aws-lambda-powertools/logger';

/** Writes one line of JSON per entry. Ids belong in the second argument, not in the text. */
export const logger = new Logger({
  serviceName: 'streamsync',
  logLevel: levelOf(process.env.STREAMSYNC_LOG_LEVEL),
});

/** Does not read `config()`: the logger must be able to report that the configuration is wrong. */
function levelOf(text: string | undefined): 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
  return text === 'DEBUG' || text === 'WARN' || text === 'ERROR' ? text : 'INFO';
}
