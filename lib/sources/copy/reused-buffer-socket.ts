import { Socket } from 'node:net';

/** More than a socket holds after one turn of everything else; a larger one is no faster. */
const readBytes = 128 * 1_024;

/**
 * A socket that reads into one buffer for as long as it lives. Node's own makes another of 64 kB for each time
 * it reads, and those pile up until they are collected.
 *
 * What it reads it emits as `data`, whether it is paused or not is kept; it is read in no other way.
 */
export class SourceSocket extends Socket {
  /** Whether its listener is through with the bytes when it returns. Else they are copied for it. */
  lends = false;

  constructor() {
    super({
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytes),
        callback: (length, { buffer }) => {
          const bytes = Buffer.from(buffer, 0, length);
          this.emit('data', this.lends ? bytes : Buffer.from(bytes));
          return true;
        },
      },
    });
  }
}
