import { expect, test } from '@jest/globals';
import { asDemo, call, createExport, download, ended, monthOfOrders } from '../support/api.ts';
import { violations } from '../support/axe.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { fitsWindow } from '../support/overflow.ts';
import { stack } from '../support/stack.ts';

const { page, another } = useBrowser();

interface Upload {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

async function readyExport(): Promise<{ id: string; name: string }> {
  const { id } = await createExport(monthOfOrders);
  const { file } = await ended(id);
  return { id, name: file?.name ?? '' };
}

/** Returns the export's file and its manifest, as a user has saved them. The export is downloaded then. */
async function save({
  id,
  name,
}: Awaited<ReturnType<typeof readyExport>>): Promise<{ file: Upload; manifest: Upload }> {
  const manifest = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  return {
    file: { name, mimeType: 'text/csv', buffer: (await download(id)).bytes },
    manifest: {
      name: `${name}.manifest.json`,
      mimeType: 'application/json',
      buffer: manifest.bytes,
    },
  };
}

test('a file is verified in the browser, and no part of it is sent', async () => {
  const here = page();
  const ready = await readyExport();
  await signIn(here);
  await here.getByRole('button', { name: new RegExp(`^More for .*${ready.id.slice(-8)}`) }).click();
  await here.getByRole('menuitem', { name: 'Manifest' }).click();
  await here.getByRole('dialog').getByRole('link', { name: 'Verify the file here' }).click();
  await here.getByRole('heading', { name: 'Verify a file', level: 1 }).waitFor();
  // Only now: the row of a downloaded export leaves the list, and its menu with it.
  const { file, manifest } = await save(ready);
  const bodies: number[] = [];
  here.on('request', (request) => bodies.push(request.postDataBuffer()?.length ?? 0));

  await here.getByLabel('File', { exact: true }).setInputFiles(file);
  await here.getByLabel('Manifest', { exact: true }).setInputFiles(manifest);
  await here.getByText('The file is complete and unchanged.').waitFor();
  await here.getByText(/^Signed by the key .* of this deployment/).waitFor();
  expect(await violations(here)).toEqual([]);

  const cut = { ...file, buffer: file.buffer.subarray(0, -1) };
  await here.getByLabel('File', { exact: true }).setInputFiles(cut);
  await here.getByText('The file is not proved to be the exported one.').waitFor();
  await here.getByText(/; the manifest says [\d,]+\.$/).waitFor();

  await here.getByLabel('File', { exact: true }).setInputFiles(file);
  const changed = manifest.buffer.toString().replace('"truncated":false', '"truncated":true');
  await here
    .getByLabel('Manifest', { exact: true })
    .setInputFiles({ ...manifest, buffer: Buffer.from(changed) });
  await here.getByText(/^The manifest was changed after it was signed/).waitFor();

  await here.getByLabel('Manifest', { exact: true }).setInputFiles({ ...file, name: 'x.json' });
  await here.getByText(/^x\.json is not a manifest\. Save it/).waitFor();
  expect(bodies.every((bytes) => bytes === 0)).toBe(true);
});

test('both files can be dropped together, on a phone in the dark theme too', async () => {
  const here = await another({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
  const { file, manifest } = await save(await readyExport());
  await signIn(here);
  await here.goto(`${stack.url}/verify`);
  await here.getByText('Drop both here, or choose them.').waitFor();
  const dropped = await here.evaluateHandle(
    (files) => {
      const transfer = new DataTransfer();
      for (const { name, base64 } of files)
        transfer.items.add(
          new File([Uint8Array.from(atob(base64), (byte) => byte.codePointAt(0) ?? 0)], name),
        );
      return transfer;
    },
    [file, manifest].map(({ name, buffer }) => ({ name, base64: buffer.toString('base64') })),
  );
  await here
    .getByText('Drop both here, or choose them.')
    .dispatchEvent('drop', { dataTransfer: dropped });
  await here.getByText('The file is complete and unchanged.').waitFor();
  await fitsWindow(here);
  expect(await violations(here)).toEqual([]);
});
