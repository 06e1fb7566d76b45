import { Socket } from 'node:net';

/** More than a socket has received after one turn of the event loop; a larger buffer was not faster. */
const readBytes = 128 * 1_024;

/**
 * A socket that reads into one buffer for its whole life. Node's own socket allocates 64 kB for each read, and
 * those buffers pile up until they are collected.
 *
 * It can be read only by its event `data`; `pause` and `resume` work as usual.
 */
export class ReusedBufferSocket extends Socket {
  /** If true, the listener must not keep the bytes after it returns. Otherwise each chunk is copied. */
  lendsBuffer = false;

  constructor() {
    super({
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytes),
        callback: (length, { buffer }) => {
          const bytes = Buffer.from(buffer, 0, length);
          this.emit('data', this.lendsBuffer ? bytes : Buffer.from(bytes));
          return true;
        },
      },
    });
  }
}
