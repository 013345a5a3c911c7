import { useEffect, useState } from "preact/hooks";

/** A value that components can watch. */
export interface Store<T> {
  get(): T;
  set(value: T): void;
  watch(told: () => void): () => void;
}

export function store<T>(value: T): Store<T> {
  const watching = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      if (next !== value) {
        value = next;
        [...watching].forEach((told) => told());
      }
    },
    watch(told) {
      watching.add(told);
      return () => void watching.delete(told);
    },
  };
}

/** The store's value, now and whenever it changes. */
export function useStore<T>(from: Store<T>): T {
  const [value, set] = useState(from.get());
  useEffect(() => {
    set(() => from.get());
    return from.watch(() => set(() => from.get()));
  }, [from]);
  return value;
}
