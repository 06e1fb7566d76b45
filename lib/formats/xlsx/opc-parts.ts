import { stylesXml } from './styles.ts';

/** The parts of a workbook except for the rows of its sheets (ECMA-376 part 1, 12.3; relationships and types: part 2). */
const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const relations = 'http://schemas.openxmlformats.org/package/2006/relationships';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const types = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

const sheetName = (number: number): string => `Sheet${number}`;
export const sheetPath = (number: number): string => `xl/worksheets/sheet${number}.xml`;

const relation = (id: string, type: string, target: string): string =>
  `<Relationship Id="${id}" Type="${office}/${type}" Target="${target}"/>`;
const relationships = (all: readonly string[]): string =>
  `${declaration}<Relationships xmlns="${relations}">${all.join('')}</Relationships>`;

/** The entries that do not depend on the number of sheets, so that they can be written first. */
export const openingEntries: readonly (readonly [path: string, xml: string])[] = [
  ['_rels/.rels', relationships([relation('rId1', 'officeDocument', 'xl/workbook.xml')])],
  ['xl/styles.xml', declaration + stylesXml],
];

/** Returns the entries that depend on the sheets. `ranges`: the filtered cells of each sheet, `$A$1:$C$7`. */
export function closingEntries(
  ranges: readonly string[],
): (readonly [path: string, xml: string])[] {
  const numbers = ranges.map((_, index) => index + 1);
  return [
    ['xl/workbook.xml', workbook(ranges)],
    [
      'xl/_rels/workbook.xml.rels',
      relationships([
        relation('rId0', 'styles', 'styles.xml'),
        ...numbers.map((n) => relation(`rId${n}`, 'worksheet', sheetPath(n).slice('xl/'.length))),
      ]),
    ],
    ['[Content_Types].xml', contentTypes(numbers)],
  ];
}

/** The hidden name is the range of the filter (ECMA-376 part 1, 18.2.5), which programs look up. */
function workbook(ranges: readonly string[]): string {
  const sheets = ranges.map(
    (_, n) => `<sheet name="${sheetName(n + 1)}" sheetId="${n + 1}" r:id="rId${n + 1}"/>`,
  );
  const filters = ranges.map(
    (range, n) =>
      `<definedName name="_xlnm._FilterDatabase" localSheetId="${n}" hidden="1">${sheetName(n + 1)}!${range}</definedName>`,
  );
  return (
    `${declaration}<workbook xmlns="${main}" xmlns:r="${office}"><bookViews><workbookView/></bookViews>` +
    `<sheets>${sheets.join('')}</sheets><definedNames>${filters.join('')}</definedNames></workbook>`
  );
}

function contentTypes(numbers: readonly number[]): string {
  const part = (path: string, type: string): string =>
    `<Override PartName="/${path}" ContentType="${types}.${type}+xml"/>`;
  return (
    `${declaration}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    '<Default Extension="xml" ContentType="application/xml"/>' +
    part('xl/workbook.xml', 'sheet.main') +
    part('xl/styles.xml', 'styles') +
    numbers.map((n) => part(sheetPath(n), 'worksheet')).join('') +
    '</Types>'
  );
}

interface SheetHead {
  number: number;
  /** Widths of the columns in characters. */
  widths: readonly number[];
}

/** Returns the XML of a sheet before its rows. The first row is frozen: it stays in place when the others scroll. */
export function sheetHeader({ number, widths }: SheetHead): string {
  const cols = widths.map(
    (width, n) => `<col min="${n + 1}" max="${n + 1}" width="${width}" customWidth="1"/>`,
  );
  return (
    `${declaration}<worksheet xmlns="${main}"><sheetViews>` +
    `<sheetView${number === 1 ? ' tabSelected="1"' : ''} workbookViewId="0">` +
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' +
    '<selection pane="bottomLeft"/></sheetView></sheetViews>' +
    `<sheetFormatPr defaultRowHeight="15"/><cols>${cols.join('')}</cols><sheetData>`
  );
}

export const sheetFooter = (range: string): string =>
  `</sheetData><autoFilter ref="${range}"/></worksheet>`;
