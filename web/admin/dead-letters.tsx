import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { DeadLetter } from '../../lib/contracts/admin.ts';
import { describeError } from '../api/errors.ts';
import { exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { Disclosure } from '../ui/details.tsx';
import { Icon } from '../ui/icons.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { formatExact } from '../ui/quantity.ts';
import { useAction } from '../ui/use-action.ts';
import { useAddress } from './address.ts';
import { discardLetter, replayLetter } from './calls.ts';
import { Filters, TextFilter } from './filters.tsx';
import { asHex, asText } from './payload.ts';
import { pagesQuery } from './queries.ts';
import { Loaded, Refresh, SectionHead } from './section.tsx';

const path = '/admin/dead-letters';

const keyOf = ({ topic, partition, offset }: DeadLetter): string =>
  `${topic}/${partition}/${offset}`;

type Deed = 'replay' | 'discard';

interface Result {
  isDone: boolean;
  text: string;
}

const messages = (count: number): string => `${count} ${count === 1 ? 'message' : 'messages'}`;

/** Records that could not be handled: their reason and payload, to replay or to discard. */
export function DeadLetters(): ReactNode {
  const zone = useZone();
  const [valueOf, change] = useAddress(['topic']);
  const topic = valueOf('topic');
  const list = useInfiniteQuery(
    pagesQuery<DeadLetter>(path, new URLSearchParams(topic === '' ? {} : { topic })),
  );
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<Deed | null>(null);
  const [results, setResults] = useState<ReadonlyMap<string, Result>>(new Map());
  const letters = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const selected = letters.filter((letter) => chosen.has(keyOf(letter)));

  const choose = (key: string, isChosen: boolean): void => {
    const next = new Set(chosen);
    if (isChosen) next.add(key);
    else next.delete(key);
    setChosen(next);
  };

  const columns = columnsOf(zone, chosen, results, choose);

  return (
    <div className="space-y-4">
      <SectionHead title="Dead letters">
        <Refresh busy={list.isFetching} onRefresh={() => void list.refetch()} />
      </SectionHead>
      <Filters set={topic === '' ? 0 : 1}>
        <TextFilter label="Topic" value={topic} onChange={(text) => change({ topic: text })} />
      </Filters>
      <Loaded
        what="the dead letters"
        query={list}
        empty={{
          when: () => letters.length === 0,
          text:
            topic === ''
              ? 'No dead letters. Rejected records appear here.'
              : 'No dead letters of this topic.',
          action:
            topic === '' ? undefined : (
              <Button onClick={() => change({ topic: '' })}>Clear filters</Button>
            ),
        }}
      >
        {() => (
          <>
            <div className="flex flex-wrap items-center gap-3">
              <label className="control-small flex cursor-pointer items-center gap-2">
                <input
                  type="checkbox"
                  className="size-4 cursor-pointer accent-accent"
                  checked={selected.length === letters.length}
                  onChange={({ target }) =>
                    setChosen(new Set(target.checked ? letters.map(keyOf) : []))
                  }
                />
                {`All ${letters.length} shown`}
              </label>
              <Button small busy={selected.length === 0} onClick={() => setAsking('replay')}>
                {`Replay ${selected.length}`}
              </Button>
              <Button small busy={selected.length === 0} onClick={() => setAsking('discard')}>
                {`Discard ${selected.length}`}
              </Button>
            </div>
            <ListTable
              caption={`${formatExact(letters.length)} dead letters, newest first`}
              columns={columns}
              rows={letters}
              keyOf={keyOf}
            />
            {list.hasNextPage ? (
              <div className="flex justify-center">
                <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                  Load more
                </Button>
              </div>
            ) : null}
          </>
        )}
      </Loaded>
      {asking && selected.length > 0 ? (
        <DeedDialog
          deed={asking}
          letters={selected}
          onClose={() => setAsking(null)}
          onDone={(done) => {
            setResults(new Map([...results, ...done]));
            setChosen(new Set());
            setAsking(null);
          }}
        />
      ) : null}
    </div>
  );
}

function ResultLine({ result }: { result: Result | undefined }): ReactNode {
  return result ? (
    <p className={`flex gap-1.5 ${result.isDone ? 'text-success' : 'text-danger'}`}>
      <Icon name={result.isDone ? 'check' : 'warning'} className="mt-0.5" />
      {result.text}
    </p>
  ) : null;
}

/** The bytes as text or in hexadecimal digits. They are never rendered as anything else. */
function Payload({ letter }: { letter: DeadLetter }): ReactNode {
  const [isHex, setIsHex] = useState(false);
  const show = isHex ? asHex : asText;
  return (
    <div className="space-y-2">
      <Button small aria-pressed={isHex} onClick={() => setIsHex(!isHex)}>
        {isHex ? 'As text' : 'As hex'}
      </Button>
      {[
        { name: 'Key', value: letter.key },
        { name: 'Value', value: letter.value },
        ...letter.headers.map(({ name, value }) => ({ name: `Header ${name}`, value })),
      ].map(({ name, value }, index) => (
        <div key={`${index} ${name}`}>
          <p className="text-xs text-muted">{name}</p>
          <pre
            tabIndex={0}
            aria-label={`${name} of the message`}
            role="region"
            className="max-h-60 overflow-auto rounded-card bg-surface p-2 font-mono text-xs break-all whitespace-pre-wrap"
          >
            {value === null ? 'null' : show(value)}
          </pre>
        </div>
      ))}
    </div>
  );
}

function DeedDialog({
  deed,
  letters,
  onClose,
  onDone,
}: {
  deed: Deed;
  letters: readonly DeadLetter[];
  onClose: () => void;
  onDone: (results: ReadonlyMap<string, Result>) => void;
}): ReactNode {
  const isReplay = deed === 'replay';
  const { start, busy } = useAction(() => handleAll(deed, letters), {
    changes: [['admin', path]],
    done: (results) => {
      onDone(results);
      const done = [...results.values()].filter(({ isDone }) => isDone).length;
      return `${messages(done)} ${isReplay ? 'replayed' : 'discarded'}${done < letters.length ? `, ${letters.length - done} not` : ''}`;
    },
  });
  const topics = [...new Set(letters.map(({ origin }) => origin?.topic ?? 'an unknown topic'))];
  return (
    <Modal
      title={
        isReplay
          ? `Replay ${messages(letters.length)} to ${topics.join(', ')}?`
          : `Discard ${messages(letters.length)}?`
      }
      onClose={onClose}
    >
      <p className="mt-2 text-muted">
        {isReplay
          ? 'Each is sent to its topic again, with its key, value and headers.'
          : 'They are no longer listed. Cannot be undone.'}
      </p>
      <ModalActions>
        <Button data-initial-focus onClick={onClose}>
          Leave
        </Button>
        <Button
          variant={isReplay ? 'primary' : 'danger'}
          busy={busy}
          onClick={() => start(undefined)}
        >
          {`${isReplay ? 'Replay' : 'Discard'} ${letters.length}`}
        </Button>
      </ModalActions>
    </Modal>
  );
}

/** Handles one message after the other. Returns the result of each. */
async function handleAll(
  deed: Deed,
  letters: readonly DeadLetter[],
): Promise<ReadonlyMap<string, Result>> {
  const results = new Map<string, Result>();
  for (const letter of letters) {
    try {
      await (deed === 'replay' ? replayLetter(letter) : discardLetter(letter));
      results.set(keyOf(letter), {
        isDone: true,
        text: deed === 'replay' ? 'Replayed' : 'Discarded',
      });
    } catch (error) {
      results.set(keyOf(letter), { isDone: false, text: describeError(error).message });
    }
  }
  return results;
}

const columnsOf = (
  zone: string,
  chosen: ReadonlySet<string>,
  results: ReadonlyMap<string, Result>,
  onChoose: (key: string, isChosen: boolean) => void,
): Column<DeadLetter>[] => [
  {
    name: 'Message',
    cell: (letter) => (
      <label className="flex cursor-pointer items-start gap-2">
        <input
          type="checkbox"
          className="mt-0.5 size-4 flex-none cursor-pointer accent-accent"
          checked={chosen.has(keyOf(letter))}
          onChange={({ target }) => onChoose(keyOf(letter), target.checked)}
        />
        <span>
          {letter.topic}
          <span className="block text-xs text-muted">
            {`partition ${letter.partition}, offset ${letter.offset}`}
          </span>
        </span>
      </label>
    ),
  },
  {
    name: 'Reason',
    cell: (letter) => (
      <>
        {letter.reason ?? 'Unknown'}
        {letter.cut ? (
          <p className="text-xs text-warning">
            Only its beginning was kept. It cannot be replayed.
          </p>
        ) : null}
        {letter.replayedAt === null ? null : (
          <p className="text-xs text-muted">{`Replayed ${exactTime(zone, letter.replayedAt)}`}</p>
        )}
        <ResultLine result={results.get(keyOf(letter))} />
        <Disclosure title="Payload">
          <Payload letter={letter} />
        </Disclosure>
      </>
    ),
  },
  {
    name: 'From',
    cell: ({ origin }) =>
      origin === null
        ? 'Unknown'
        : `${origin.topic}, partition ${origin.partition}, offset ${formatExact(origin.offset)}`,
  },
  { name: 'Time', cell: ({ at }) => exactTime(zone, at) },
];
