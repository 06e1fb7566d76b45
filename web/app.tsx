import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';
import { BrowserRouter, Navigate, Route, Routes } from 'react-router';
import { isTransient } from './api/errors.ts';
import { PageBoundary } from './layout/page-boundary.tsx';
import { Shell } from './layout/shell.tsx';
import { NotFoundPage } from './pages/not-found-page.tsx';
import { Skeleton } from './ui/panels.tsx';

const Exports = lazy(() => import('./pages/exports.tsx'));
const Live = lazy(() => import('./pages/live-page.tsx'));
const Admin = lazy(() => import('./pages/admin-page.tsx'));
const Account = lazy(() => import('./pages/account-page.tsx'));
const Verify = lazy(() => import('./pages/verify-page.tsx'));

/** The pages whose code is loaded after the sign-in. */
const pages = [
  { path: 'exports/*', Page: Exports },
  { path: 'live', Page: Live },
  { path: 'admin/*', Page: Admin },
  { path: 'account', Page: Account },
  { path: 'verify', Page: Verify },
];

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 2 && isTransient(error),
      retryDelay: (failures) => 500 * 2 ** failures,
    },
  },
});

export function App(): ReactNode {
  return (
    <QueryClientProvider client={queries}>
      {/* Without transitions a change of the address is applied before the next key or press. */}
      <BrowserRouter useTransitions={false}>
        <PageBoundary>
          <Routes>
            <Route element={<Shell />}>
              <Route index element={<Navigate to="/exports" replace />} />
              {pages.map(({ path, Page }) => (
                <Route
                  key={path}
                  path={path}
                  element={
                    <Suspense fallback={<Skeleton label="Loading the page" rows={5} />}>
                      <Page />
                    </Suspense>
                  }
                />
              ))}
              <Route path="sign-in/*" element={<Navigate to="/exports" replace />} />
              <Route path="*" element={<NotFoundPage />} />
            </Route>
          </Routes>
        </PageBoundary>
      </BrowserRouter>
    </QueryClientProvider>
  );
}
