import { lazy, type ReactNode, Suspense } from 'react';
import { Route, Routes } from 'react-router';
import { Skeleton } from '../ui/panels.tsx';
import { ExportsLayout } from './exports-layout.tsx';
import { ExportsPage } from './exports-page.tsx';
import { NewExportPage } from './new-export-page.tsx';
import { NotFoundPage } from './not-found-page.tsx';

const ExportPage = lazy(() => import('./export-page.tsx'));

/** The pages below `/exports`. Their code is loaded after the sign-in. */
export default function Exports(): ReactNode {
  return (
    <Routes>
      <Route element={<ExportsLayout />}>
        <Route index element={<ExportsPage />} />
        <Route path="new" element={<NewExportPage />} />
        <Route
          path=":id"
          element={
            <Suspense fallback={<Skeleton label="Loading the export" rows={3} />}>
              <ExportPage />
            </Suspense>
          }
        />
      </Route>
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  );
}
