import { requestLiveUrl } from './calls.ts';
import { LiveSocket } from './live-socket.ts';

/** A request waits while the session is over; the tries of that time are one request. */
let request: Promise<string> | null = null;

function requestOnce(): Promise<string> {
  request ??= requestLiveUrl().finally(() => {
    request = null;
  });
  return request;
}

/** The live connection of the page. It is open while a part of the page listens. */
export const liveSocket = new LiveSocket({
  requestUrl: requestOnce,
  open: (url, { opened, received, closed }) => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', opened);
    socket.addEventListener('message', ({ data }) => received(data));
    socket.addEventListener('close', closed);
    return socket;
  },
  isOnline: () => navigator.onLine,
  isHidden: () => document.visibilityState === 'hidden',
});

document.addEventListener('visibilitychange', () => liveSocket.wake());
for (const event of ['online', 'offline']) addEventListener(event, () => liveSocket.wake());
