export interface Lock {
  release(): void;
}
export function processIdentity(pid: number): string | undefined;
export function tryLock(
  directory: string,
): { release(): void; holder?: never } | { holder: number; release?: never };
export function lock(
  directory: string,
  options?: { onWait?: (holder: number) => void; signal?: AbortSignal },
): Promise<Lock>;
