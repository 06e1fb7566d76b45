/** Compiled modules, by their bytes in base64: compiling takes a millisecond, and its machine code is kept. */
const modules = new Map<string, WebAssembly.Module>();

/**
 * Starts a kernel in this memory, with a state of its own, and returns its functions by their names.
 *
 * @param wasm its module in base64, from lib/kernels/built
 */
export function instantiate(
  wasm: string,
  memory: WebAssembly.Memory,
): (name: string) => (...numbers: number[]) => number {
  let module = modules.get(wasm);
  if (!module) {
    module = new WebAssembly.Module(Buffer.from(wasm, 'base64'));
    modules.set(wasm, module);
  }
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return (name) => {
    const called = exports[name];
    if (typeof called !== 'function') throw new Error(`the kernel has no function ${name}`);
    return (...numbers) => Number(called(...numbers));
  };
}
