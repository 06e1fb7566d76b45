import { type ComponentProps, lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { Icon } from './icons.tsx';
import { moreButton } from './more-button.ts';

const load = () => import('./menu-button.tsx');
const MenuButton = lazy(load);

type Props = Omit<ComponentProps<typeof MenuButton>, 'begin'>;

/**
 * A button with a menu that is made when somebody is about to use it: fifty rows of them would take
 * half of the time in which the page appears. Until then it is a button that looks and reads the same. Its code is
 * loaded with the first movement on the page.
 */
export function MenuOnDemand(props: Props): ReactNode {
  const [begin, setBegin] = useState<'focused' | 'open' | null>(null);
  useEffect(() => {
    const begun = new AbortController();
    const { signal } = begun;
    const prepare = (): void => {
      begun.abort();
      void load();
    };
    for (const name of ['pointermove', 'pointerdown', 'keydown'])
      document.addEventListener(name, prepare, { signal, passive: true });
    return () => begun.abort();
  }, []);
  const stand = (
    <button
      type="button"
      id={props.id}
      aria-label={props.label}
      aria-haspopup="menu"
      aria-expanded="false"
      className={moreButton}
      onFocus={({ target }) => {
        // By keyboard alone: what is pressed has to stay where it is until it is let go.
        if (target.matches(':focus-visible')) setBegin('focused');
      }}
      onClick={() => setBegin('open')}
    >
      <Icon name="more" />
    </button>
  );
  return (
    <Suspense fallback={stand}>
      {begin === null ? stand : <MenuButton {...props} begin={begin} />}
    </Suspense>
  );
}
