/** The levels of the log Serverless hands to a plugin; `info` shows with `--verbose` only. */
export interface Log {
  info(message: string): void;
  notice(message: string): void;
  warning(message: string): void;
  error(message: string): void;
}
