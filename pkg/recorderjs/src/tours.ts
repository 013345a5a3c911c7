// Tours of other libraries, told as walk-thrus: a play when the first step shows, each step, and how it ended. Of each library no more is
// known than the hooks that it documents; hooks of the page's own go on being called.

import { attempt } from "./contain";
import type { Item, Play, Step } from "./items";
import type { Recorder } from "./recorder";

/** A Shepherd.js tour. */
export interface ShepherdTour {
  steps: readonly { id?: string }[];
  on(event: string, handler: (happened: any) => void): unknown;
}
/** A driver.js driver. */
export interface DriverTour {
  getConfig(): any;
  setConfig(config: any): void;
  getActiveIndex(): number | undefined;
}
/** An intro.js tour, of version 8 or newer. */
export interface IntroTour {
  getSteps(): readonly any[];
  currentStep(): number | undefined;
  callback(name: any): unknown;
  onAfterChange(f: (...all: any[]) => any): unknown;
  onComplete(f: (...all: any[]) => any): unknown;
  onExit(f: (...all: any[]) => any): unknown;
}

/** Where calls go: the recorder, or what the page's own script is waiting in. */
type Target = Pick<Recorder, "push">;

/** follow tells one tour. The recorder may come later, so each call waits for it in its turn. */
function follow(item: Item, steps: () => readonly Step[], recorder?: Target) {
  let open = false;
  let play: Play | undefined;
  const push: Target["push"] = (call) => ((recorder ?? ((window as { waymark?: Target }).waymark ??= [] as Target)) as Target).push(call!);
  const end = (how: (play: Play) => void) => {
    open && push(() => play && how(play));
    open = false;
  };
  return {
    step(step: number) {
      const known = steps();
      open || push((to) => (play = to.walkthru({ ...item, steps: known }).play()));
      open = true;
      push(() => play?.step(step));
    },
    complete: () => end((play) => play.complete()),
    stop: (reason: string) => end((play) => play.stop(reason)),
  };
}

/** both calls ours, then the page's own. */
function both(ours: (...all: any[]) => void, own?: unknown) {
  return function (this: unknown, ...all: any[]) {
    attempt(() => ours(...all));
    return typeof own === "function" ? own.apply(this, all) : undefined;
  };
}

/** shepherd tells a Shepherd.js tour as item. Steps have the names of their ids. */
export function shepherd(tour: ShepherdTour, item: Item, recorder?: Target): void {
  const told = follow(item, () => tour.steps.map(({ id }) => (id ? { id } : {})), recorder);
  tour.on("show", both(({ step }) => told.step(tour.steps.indexOf(step))));
  tour.on("complete", both(told.complete));
  tour.on("cancel", both(() => told.stop("closed")));
}

/** driver tells a driver.js tour as item. One that is left at its last step counts as completed: driver.js tells no difference. */
export function driver(tour: DriverTour, item: Item, recorder?: Target): void {
  const config = tour.getConfig();
  const steps: any[] = config.steps ?? [];
  const told = follow(item, () => steps.map((step) => ({ name: step.popover?.title })), recorder);
  let last = 0;
  const begun = (own: unknown) => both(() => told.step((last = tour.getActiveIndex() ?? 0)), own);
  tour.setConfig({
    ...config,
    steps: steps.map((step) => ({ ...step, onHighlightStarted: begun(step.onHighlightStarted ?? config.onHighlightStarted) })),
    onDestroyed: both(() => (last === steps.length - 1 ? told.complete() : told.stop("closed")), config.onDestroyed),
  });
}

/** intro tells an intro.js tour as item. */
export function intro(tour: IntroTour, item: Item, recorder?: Target): void {
  const told = follow(item, () => tour.getSteps().map((step) => (step.title ? { name: step.title } : {})), recorder);
  tour.onAfterChange(both(() => told.step(tour.currentStep() ?? 0), tour.callback("afterChange")));
  tour.onComplete(both((_, reason) => (reason === "skip" ? told.stop("skipped") : told.complete()), tour.callback("complete")));
  tour.onExit(both(() => told.stop("closed"), tour.callback("exit")));
}
