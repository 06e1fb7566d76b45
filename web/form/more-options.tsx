import { lazy, type ReactNode, Suspense } from 'react';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { capabilitiesOf, parquetTypes } from '../../lib/contracts/format-capabilities.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Dataset } from '../../lib/contracts/sources.ts';
import { parquetTypeLabels, profileLabels } from '../exports/choices.ts';
import { compressionLabels, consistencyLabels } from '../exports/labels.ts';
import { useZone } from '../time/zone.ts';
import { zoneOptions } from '../time/zone-options.ts';
import { Button } from '../ui/button.tsx';
import { SelectField, TextField } from '../ui/field.tsx';
import { ChoiceField } from './choice-field.tsx';
import { CsvFields } from './csv-fields.tsx';
import { type Draft, type FieldName, normalizeDraft } from './draft.ts';
import { ttlChoices } from './ttl-choices.ts';

const ComboBox = lazy(() => import('../ui/combobox.tsx'));

interface Props {
  draft: Draft;
  dataset: Dataset | undefined;
  onChange: (patch: Partial<Draft>) => void;
  fieldId: (field: FieldName) => string;
  errorOf: (field: FieldName) => string | undefined;
}

const orders = ['any', 'time'] as const satisfies readonly ExportRequest['order'][];
const offsets = ['none', 'written'] as const;
const offsetNames = { none: 'Not written', written: 'Written (+02:00)' };
const orderNames = { any: 'Any (fastest)', time: 'By time' };

/** The fields for name, compression, time to live, consistency, order, profile and the options of the format. */
export default function MoreOptions(props: Props): ReactNode {
  const { draft, dataset, onChange, fieldId, errorOf } = props;
  const { profiles, ownFields, compressions, consistencies } = capabilitiesOf(draft.format);
  const { profile, others, order, compression, consistency } = normalizeDraft(draft);
  return (
    <div className="space-y-4 p-3">
      <TextField
        id={fieldId('name')}
        label="Name"
        value={draft.name}
        maxLength={sizes.exportNameCharacters}
        autoComplete="off"
        hint="What you call the export. It begins the file name."
        error={errorOf('name')}
        onChange={({ target }) => onChange({ name: target.value })}
      />
      <div className="grid grid-cols-2 items-start gap-3">
        <ChoiceField
          id={fieldId('compression')}
          label="Compression"
          choices={compressions}
          names={compressionLabels}
          value={compression}
          error={errorOf('compression')}
          onChoose={(chosen) => onChange({ compression: chosen })}
        />
        <SelectField
          id={fieldId('ttlSeconds')}
          label="Keep the file for"
          value={String(draft.ttlSeconds)}
          error={errorOf('ttlSeconds')}
          onChange={({ target }) => onChange({ ttlSeconds: Number(target.value) })}
        >
          {ttlChoices(draft.ttlSeconds).map(({ seconds, label }) => (
            <option key={seconds} value={seconds}>
              {label}
            </option>
          ))}
        </SelectField>
      </div>
      <ChoiceField
        id={fieldId('consistency')}
        label="Rows as of"
        choices={consistencies}
        names={consistencyLabels}
        value={consistency}
        error={errorOf('consistency')}
        hint={consistencyHints[consistency]}
        onChoose={(chosen) => onChange({ consistency: chosen })}
      />
      {dataset?.timeColumn === null ? null : (
        <ChoiceField
          id={fieldId('order')}
          label="Order of the rows"
          choices={others.length > 0 ? [order] : orders}
          names={orderNames}
          value={order}
          error={errorOf('order')}
          {...(others.length > 0 && { hint: 'Order by time needs a single source.' })}
          onChoose={(chosen) => onChange({ order: chosen })}
        />
      )}
      {profiles.length > 1 ? (
        <ChoiceField
          id={fieldId('profile')}
          label="Written for"
          choices={profiles}
          names={profileLabels}
          value={profile}
          error={errorOf('profile')}
          hint={profileHints[profile]}
          onChoose={(chosen) => onChange({ profile: chosen })}
        />
      ) : null}
      {profile === 'spreadsheet' ? (
        <>
          {/* Without a boundary of its own the other fields would be hidden while its code loads. */}
          <Suspense fallback={<div className="h-14" />}>
            <TimeZoneField {...props} />
          </Suspense>
          <ChoiceField
            id={fieldId('timeOffset')}
            label="Offset of times"
            choices={offsets}
            names={offsetNames}
            value={draft.timeOffset ? 'written' : 'none'}
            error={errorOf('timeOffset')}
            hint="Distinguishes the two hours that clocks show alike in autumn. Times become text."
            onChoose={(chosen) => onChange({ timeOffset: chosen === 'written' })}
          />
        </>
      ) : null}
      {ownFields.includes('csv') ? (
        <CsvFields
          id={fieldId('csv')}
          value={draft.csv}
          onChange={(csv) => onChange({ csv })}
          error={errorOf('csv')}
        />
      ) : null}
      {ownFields.includes('parquetTypes') ? (
        <ChoiceField
          id={fieldId('parquetTypes')}
          label="Types"
          choices={parquetTypes}
          names={parquetTypeLabels}
          value={draft.parquetTypes}
          error={errorOf('parquetTypes')}
          hint="Choose portable for programs that cannot read these types."
          onChoose={(chosen) => onChange({ parquetTypes: chosen })}
        />
      ) : null}
      <KeptFields kept={draft.kept} onChange={(kept) => onChange({ kept })} />
    </div>
  );
}

const consistencyHints: Record<ExportRequest['consistency'], string> = {
  snapshot: 'All rows as they were at the same moment.',
  resumable:
    'Read in parts, one after the other. Rows may change between parts; if something breaks, only one part is repeated.',
};

const profileHints: Record<ExportRequest['profile'], string> = {
  machine: 'Times in UTC, values as the database has them.',
  spreadsheet: 'Times in the zone you choose; text is never read as a formula.',
};

/** The option that stands for the zone of the page. */
const pageZone = 'page';

function TimeZoneField({ draft, onChange, fieldId, errorOf }: Props): ReactNode {
  const zone = useZone();
  return (
    <ComboBox
      id={fieldId('timeZone')}
      label="Times in the file"
      options={zoneOptions(
        { id: pageZone, zone, name: `${zone} (as on the page)` },
        draft.timeZone,
      )}
      value={draft.timeZone ?? pageZone}
      onChange={(chosen) => onChange({ timeZone: chosen === pageZone ? null : chosen })}
      error={errorOf('timeZone')}
      empty="No zone of that name."
    />
  );
}

/** Fields of the duplicated request that the form has no field for. They are sent again until they are removed. */
function KeptFields({
  kept,
  onChange,
}: {
  kept: Draft['kept'];
  onChange: (kept: Draft['kept']) => void;
}): ReactNode {
  const entries = Object.entries(kept);
  if (entries.length === 0) return null;
  return (
    <div className="space-y-1">
      <p className="text-sm font-medium">Kept from the duplicated export</p>
      <ul className="space-y-1">
        {entries.map(([name, value]) => (
          <li key={name} className="flex items-start justify-between gap-2">
            <span className="min-w-0 py-1.5 wrap-anywhere">
              {`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`}
            </span>
            <Button
              small
              aria-label={`Remove ${name}`}
              onClick={() =>
                onChange(Object.fromEntries(entries.filter(([other]) => other !== name)))
              }
            >
              Remove
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}
