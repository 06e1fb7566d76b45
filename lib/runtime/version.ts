import about from '../../package.json' with { type: 'json' };

/** The version of StreamSync, as package.json has it. */
export const { version } = about;
