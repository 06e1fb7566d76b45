import type { ReactNode } from 'react';
import { Route, Routes } from 'react-router';
import { ExportPage } from './export-page.tsx';
import { ExportsLayout } from './exports-layout.tsx';
import { ExportsPage } from './exports-page.tsx';
import { NewExportPage } from './new-export-page.tsx';
import { NotFoundPage } from './not-found-page.tsx';

/** The pages below `/exports`. Their code is loaded after the sign-in. */
export default function Exports(): ReactNode {
  return (
    <Routes>
      <Route element={<ExportsLayout />}>
        <Route index element={<ExportsPage />} />
        <Route path="new" element={<NewExportPage />} />
        <Route path=":id" element={<ExportPage />} />
      </Route>
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  );
}
