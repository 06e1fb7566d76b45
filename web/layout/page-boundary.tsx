import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button.tsx';

/** A page that fails, or whose code did not load after a new version was published. */
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
          Exports go on; only the page is affected. Reload it, there may be a newer version.
        </p>
        <Button variant="primary" onClick={() => location.reload()}>
          Reload
        </Button>
      </div>
    );
  }
}
