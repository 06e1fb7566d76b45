import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button.tsx';

/** Catches errors of a page, also if its code did not load because a newer version was published. */
export class PageBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div role="alert" className="space-y-4">
        <h1 className="text-lg font-semibold">This page could not be shown</h1>
        <p className="text-muted">
          Your exports continue. Reload the page; there may be a newer version.
        </p>
        <Button variant="primary" onClick={() => location.reload()}>
          Reload
        </Button>
      </div>
    );
  }
}
