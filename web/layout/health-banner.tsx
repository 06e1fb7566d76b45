import { queryOptions, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Health, HealthProblem } from '../../lib/contracts/health.ts';
import { getHealth } from '../api/calls.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';

const everyMs = 60_000;

/** Also asked when somebody comes back to the page. */
const healthQuery = queryOptions({
  queryKey: ['health'],
  queryFn: ({ signal }): Promise<Health> => getHealth(signal),
  staleTime: everyMs,
  refetchInterval: everyMs,
});

const late = 'Exports may start later than usual. None is lost.';
const storage = 'Files cannot be stored or downloaded at the moment. Exports wait until they can.';
const messages = 'Some messages to or from other systems could not be delivered.';

/** What it means for who uses the page. What has to be done about it, `npm run doctor` tells the operator. */
const effects: Record<HealthProblem['code'], string> = {
  kafka_down: late,
  storage_down: storage,
  catalogue_slow: late,
  outbox_waiting: late,
  outbox_set_aside: messages,
  exports_waiting: late,
  workers_away: late,
  sweep_away: late,
  consumers_away: late,
  consumers_behind: late,
  slots_closed: late,
  dead_letters: messages,
};

/** Says when some of StreamSync does not work. Once dismissed it comes back for another reason only. */
export function HealthBanner(): ReactNode {
  const { data } = useQuery(healthQuery);
  const [dismissed, setDismissed] = useState<readonly string[]>([]);
  const current = [...new Set((data?.problems ?? []).map(({ code }) => effects[code]))];
  const isOver = dismissed.some((effect) => !current.includes(effect));
  // Should it come again, that is news.
  if (isOver) setDismissed(dismissed.filter((effect) => current.includes(effect)));
  const shown = current.some((effect) => !dismissed.includes(effect));
  // The region is there before its text: else nobody would be told of it.
  return (
    <div role="status">
      {shown ? (
        <div className="border-b border-warning/40 bg-warning/8">
          <div className="mx-auto flex max-w-[1440px] items-center gap-2 px-4 py-2 lg:px-6">
            <Icon name="warning" className="text-warning" />
            <p className="grow">{`Some things do not work as usual. ${current.join(' ')}`}</p>
            <Button small variant="quiet" onClick={() => setDismissed(current)}>
              Dismiss
            </Button>
          </div>
        </div>
      ) : null}
    </div>
  );
}
