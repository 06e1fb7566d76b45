import { type ReactNode, useEffect, useRef, useState } from 'react';
import { describeError } from '../api/errors.ts';
import { SinglePage } from '../layout/templates.tsx';
import { labelClass } from '../ui/field.tsx';
import { PageHeading } from '../ui/page.tsx';
import { bytes } from '../ui/quantity.ts';
import { Results } from '../verify/results.tsx';
import { type Findings, NoManifestError, verifyFiles } from '../verify/verify-files.ts';

type Kind = 'file' | 'manifest';
type Chosen = Record<Kind, File | null>;

type Outcome = { findings: Findings } | { failure: string } | { readBytes: number };

const progressEveryMs = 100;

/** Compares a downloaded file with its manifest in the browser. Nothing is uploaded. */
export default function VerifyPage(): ReactNode {
  const [chosen, setChosen] = useState<Chosen>({ file: null, manifest: null });
  const [isOver, setIsOver] = useState(false);
  const { outcome, verify } = useVerification();
  const choose = (files: FileList | null, kind?: Kind): void => {
    const next = { ...chosen };
    for (const file of files ?? [])
      next[kind ?? (file.name.endsWith('.manifest.json') ? 'manifest' : 'file')] = file;
    setChosen(next);
    verify(next);
  };
  return (
    <SinglePage width="text">
      <div className="space-y-6">
        <div>
          <PageHeading title="Verify a file" />
          <p className="mt-1 text-muted">
            Compares a file with its manifest, which you save from the menu of an export. Both stay
            on this computer: nothing is uploaded.
          </p>
        </div>
        <div
          className={`grid gap-4 rounded-card border border-dashed p-4 sm:grid-cols-2 sm:p-6 ${isOver ? 'border-accent bg-hover' : 'border-control'}`}
          onDragOver={(event) => {
            event.preventDefault();
            setIsOver(true);
          }}
          onDragLeave={() => setIsOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setIsOver(false);
            choose(event.dataTransfer.files);
          }}
        >
          <p className="text-muted sm:col-span-2">Drop both here, or choose them.</p>
          <FileField label="File" file={chosen.file} onChoose={(files) => choose(files, 'file')} />
          <FileField
            label="Manifest"
            file={chosen.manifest}
            accept=".json,application/json"
            onChoose={(files) => choose(files, 'manifest')}
          />
        </div>
        <div role="status" aria-live="polite">
          <OutcomeText outcome={outcome} chosen={chosen} />
        </div>
      </div>
    </SinglePage>
  );
}

function OutcomeText({
  outcome,
  chosen: { file },
}: {
  outcome: Outcome | null;
  chosen: Chosen;
}): ReactNode {
  if (outcome === null) return null;
  if ('findings' in outcome) return <Results findings={outcome.findings} />;
  if ('failure' in outcome) return <p className="text-danger wrap-anywhere">{outcome.failure}</p>;
  return (
    <div className="space-y-2">
      <p>Reading the file…</p>
      <progress
        className="w-full"
        aria-label="Read"
        max={Math.max(1, file?.size ?? 1)}
        value={outcome.readBytes}
      />
    </div>
  );
}

function FileField({
  label,
  file,
  accept,
  onChoose,
}: {
  label: string;
  file: File | null;
  accept?: string;
  onChoose: (files: FileList | null) => void;
}): ReactNode {
  const id = `verify-${label.toLowerCase()}`;
  return (
    <div className="min-w-0 space-y-1">
      <label htmlFor={id} className={labelClass}>
        {label}
      </label>
      <input
        id={id}
        type="file"
        accept={accept}
        className="input"
        aria-describedby={`${id}-chosen`}
        onChange={({ target }) => onChoose(target.files)}
      />
      <p id={`${id}-chosen`} className="text-xs text-muted wrap-anywhere">
        {file ? `${file.name}, ${bytes(file.size)}` : ''}
      </p>
    </div>
  );
}

/** `verify` compares the files when both are chosen; a comparison in progress ends then, or with the page. */
function useVerification(): { outcome: Outcome | null; verify: (chosen: Chosen) => void } {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const current = useRef<AbortController | null>(null);
  useEffect(() => () => current.current?.abort(), []);
  const verify = ({ file, manifest }: Chosen): void => {
    current.current?.abort();
    if (file === null || manifest === null) return;
    const stop = new AbortController();
    current.current = stop;
    setOutcome({ readBytes: 0 });
    let shownAt = 0;
    const onProgress = (readBytes: number): void => {
      if (performance.now() - shownAt < progressEveryMs) return;
      shownAt = performance.now();
      setOutcome({ readBytes });
    };
    void verifyFiles({ file, manifest }, onProgress, stop.signal).then(
      (findings) => {
        if (!stop.signal.aborted) setOutcome({ findings });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setOutcome({ failure: describeFailure(error, manifest) });
      },
    );
  };
  return { outcome, verify };
}

function describeFailure(error: unknown, manifest: File): string {
  if (error instanceof NoManifestError)
    return `${manifest.name} is not a manifest. Save it from the menu of the export: Manifest, Save manifest.`;
  if (error instanceof DOMException)
    return 'The file could not be read. Choose it again: it may have been moved or changed.';
  return describeError(error).message;
}
