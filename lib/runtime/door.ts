type Header = (name: string) => string | undefined;

/** Returns the address of the client as NGINX saw it, which replaces whatever the client sent by that name. */
export const clientAddress = (header: Header): string => header('x-client-address') ?? 'unknown';
