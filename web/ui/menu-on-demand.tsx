import { type ComponentProps, lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { disclosureButtonClass } from './disclosure-button.ts';
import { Icon } from './icons.tsx';

const load = () => import('./menu-button.tsx');
const MenuButton = lazy(load);

type Props = Omit<ComponentProps<typeof MenuButton>, 'initialState'>;

/**
 * A button whose menu is rendered on focus or press: the menus of fifty rows would take half of the render time of the
 * page. Until then a placeholder looks and reads the same. The code of the menu is loaded at the first movement of the
 * pointer or the first key.
 */
export function LazyMenu(props: Props): ReactNode {
  const [initialState, setInitialState] = useState<'focused' | 'open' | null>(null);
  useEffect(() => {
    const loading = new AbortController();
    const { signal } = loading;
    const preload = (): void => {
      loading.abort();
      void load();
    };
    for (const name of ['pointermove', 'pointerdown', 'keydown'])
      document.addEventListener(name, preload, { signal, passive: true });
    return () => loading.abort();
  }, []);
  const placeholder = (
    <button
      type="button"
      id={props.id}
      aria-label={props.label}
      aria-haspopup="menu"
      aria-expanded="false"
      className={disclosureButtonClass}
      onFocus={({ target }) => {
        // Only for focus by keyboard: replacing a button while it is pressed would lose the click.
        if (target.matches(':focus-visible')) setInitialState('focused');
      }}
      onClick={() => setInitialState('open')}
    >
      <Icon name="more" />
    </button>
  );
  return (
    <Suspense fallback={placeholder}>
      {initialState === null ? placeholder : <MenuButton {...props} initialState={initialState} />}
    </Suspense>
  );
}
