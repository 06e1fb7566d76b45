import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';
import { BrowserRouter, Navigate, Route, Routes } from 'react-router';
import { mayPass } from './api/errors.ts';
import { PageBoundary } from './layout/page-boundary.tsx';
import { Shell } from './layout/shell.tsx';
import { NotFoundPage } from './pages/not-found-page.tsx';
import { Skeleton } from './ui/panels.tsx';

const Exports = lazy(() => import('./pages/exports.tsx'));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 2 && mayPass(error),
      retryDelay: (failures) => 500 * 2 ** failures,
    },
  },
});

export function App(): ReactNode {
  return (
    <QueryClientProvider client={queries}>
      {/* What the address says is known at the next press: a transition would have it later. */}
      <BrowserRouter useTransitions={false}>
        <PageBoundary>
          <Routes>
            <Route element={<Shell />}>
              <Route index element={<Navigate to="/exports" replace />} />
              <Route
                path="exports/*"
                element={
                  <Suspense fallback={<Skeleton label="Loading the page" rows={5} />}>
                    <Exports />
                  </Suspense>
                }
              />
              <Route path="sign-in" element={<Navigate to="/exports" replace />} />
              <Route path="*" element={<NotFoundPage />} />
            </Route>
          </Routes>
        </PageBoundary>
      </BrowserRouter>
    </QueryClientProvider>
  );
}
