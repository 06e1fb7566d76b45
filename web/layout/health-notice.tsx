import { type ReactNode, useState } from 'react';
import type { HealthProblem } from '../../lib/contracts/health.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';

const late = 'Exports may start later than usual. None is lost.';
const storage =
  'Files cannot be stored or downloaded now. Exports wait until the storage answers again.';
const readings = 'The latest readings are not stored yet. None is lost.';
const messages = 'Some messages to or from other systems could not be delivered.';

/** What each problem means for users of the page. `npm run doctor` tells the operator what to do about it. */
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
  readings_delayed: readings,
  readings_rejected: 'Some readings that were sent could not be read. The others are stored.',
  deliveries_delayed: 'Downloaded files are marked later than usual.',
  live_delayed: 'Live readings come later than usual. None is lost.',
};

/** The text of the banner. After a dismissal it returns only for another effect. */
export default function HealthNotice({
  problems,
}: {
  problems: readonly HealthProblem[];
}): ReactNode {
  const [dismissed, setDismissed] = useState<readonly string[]>([]);
  const current = [...new Set(problems.map(({ code }) => effects[code]))];
  const hasEnded = dismissed.some((effect) => !current.includes(effect));
  // An effect that ended and starts again is shown again.
  if (hasEnded) setDismissed(dismissed.filter((effect) => current.includes(effect)));
  if (current.every((effect) => dismissed.includes(effect))) return null;
  return (
    <div className="border-b border-warning/40 bg-warning/8">
      <div className="mx-auto flex max-w-[1440px] items-center gap-2 px-4 py-2 lg:px-6">
        <Icon name="warning" className="text-warning" />
        <p className="grow">{`Some things do not work as usual. ${current.join(' ')}`}</p>
        <Button small variant="quiet" onClick={() => setDismissed(current)}>
          Dismiss
        </Button>
      </div>
    </div>
  );
}
