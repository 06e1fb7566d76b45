/** The log that Serverless passes to a plugin; `info` is printed only with `--verbose`. */
export interface Log {
  info(message: string): void;
  notice(message: string): void;
  warning(message: string): void;
  error(message: string): void;
}
