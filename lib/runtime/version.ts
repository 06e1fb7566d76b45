import about from '../../package.json' with { type: 'json' };

/** The version of StreamSync, from package.json. */
export const { version } = about;
