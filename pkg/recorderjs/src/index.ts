// The package: the same recorder, to be bundled with an application.

export { start, library, type Recorder, type Stats } from "./recorder";
export type { Options, Source } from "./options";
export type { Choice } from "./consent";
export type * from "./items";
