import { useEffect, useState, useSyncExternalStore } from 'react';
import { getReadings, listSeries, serverNow } from './calls.ts';
import { liveSocket } from './connection.ts';
import { Feed, type FeedState } from './feed.ts';

/** Returns the readings of this page. They arrive while the page is shown. */
export function useFeed(): { feed: Feed; state: FeedState } {
  const [feed] = useState(
    () =>
      new Feed({
        socket: liveSocket,
        getReadings,
        listSeries,
        now: serverNow,
        isHidden: () => document.visibilityState === 'hidden',
      }),
  );
  useEffect(() => {
    const stop = feed.start();
    const wake = (): void => {
      if (document.visibilityState === 'visible') feed.wake();
    };
    document.addEventListener('visibilitychange', wake);
    return () => {
      document.removeEventListener('visibilitychange', wake);
      stop();
    };
  }, [feed]);
  const state = useSyncExternalStore(feed.subscribe, () => feed.state);
  return { feed, state };
}
