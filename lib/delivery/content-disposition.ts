/**
 * Returns the value of the header `Content-Disposition` of a file, in ASCII (RFC 6266): `fileName`, and the name in its
 * own script as `filename*` (RFC 8187) if it differs.
 */
export const contentDisposition = (fileName: string, original: string): string =>
  `attachment; filename="${fileName}"${original === fileName ? '' : `; filename*=UTF-8''${extValue(original)}`}`;

const extValue = (text: string): string =>
  encodeURIComponent(text).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
