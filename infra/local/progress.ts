/**
 * The output of `npm start`: plain lines with the seconds since its start, the service and a text, the same with and
 * without a terminal. Only the last line of a start begins with "ready" at column 0.
 */
export interface Progress {
  line(service: string, text: string): void;
  ready(url: string): void;
  /** Prints an error for the person at the terminal: the message, and the details indented below it. */
  failure(message: string, details?: readonly string[]): void;
}

/** `startedAt` is when the first process of this start began, in milliseconds since 1970. */
export function createProgress(startedAt: number): Progress {
  // A closed pipe or terminal must not end the stack.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  return {
    line: (service, text) => console.log(formatLine(Date.now() - startedAt, service, text)),
    ready: (url) => console.log(`ready  ${url}`),
    failure: (message, details = []) => {
      console.error(message);
      for (const detail of details) console.error(`  | ${detail}`);
    },
  };
}

function formatLine(elapsedMs: number, service: string, text: string): string {
  return `[${(elapsedMs / 1000).toFixed(1).padStart(5)} s] ${service.padEnd(10)} ${text}`;
}
