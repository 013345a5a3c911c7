// The script of the tag: it starts with the tag's attributes and window.waymarkOptions, or when waymark.init is called.

import { attempt } from "./contain";
import { fromTag, type Options } from "./options";
import { start, type Recorder } from "./recorder";

type Waiting = ((recorder: Recorder) => void)[] | Recorder;
const page = window as { waymark?: Waiting; waymarkOptions?: Partial<Options> };

attempt(() => {
  // Loaders that fetch a script by themselves leave no current script, so the tag is looked for.
  const tag = (document.currentScript ?? document.querySelector("script[data-key][src]")) as HTMLScriptElement | null;
  const options = { ...fromTag(tag), ...page.waymarkOptions } as Options;
  const waiting = page.waymark;
  // A second tag of the same script must not tell everything twice.
  if (!options.key || (waiting && "version" in waiting)) {
    return;
  }
  const begin = () => {
    const recorder = start(options, tag?.src || location.href);
    page.waymark = recorder;
    Array.isArray(waiting) && recorder.push(...waiting);
  };
  // A page that is rendered before anybody asked for it has no visitor yet.
  (document as { prerendering?: boolean }).prerendering ? document.addEventListener("prerenderingchange", () => attempt(begin), { once: true }) : begin();
});
