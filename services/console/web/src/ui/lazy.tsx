import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** lazy makes a component of a module that is loaded when it is first shown. */
export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return (props: P) => {
    const [Part, set] = useState<ComponentType<P> | undefined>(() => loaded);
    useEffect(() => {
      if (!Part) {
        void load().then((module) => set(() => (loaded = module.default)));
      }
    }, []);
    return Part ? <Part {...props} /> : <div class="skeleton-wrap" aria-hidden="true"><div class="skeleton"><i /><i /><i /></div></div>;
  };
}
