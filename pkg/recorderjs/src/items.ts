// What can be told of each kind of item: one call an event. The table makes the calls; the types beside it say what each takes.

import { attempt } from "./contain";

/** Properties of one's own. */
export type Props = Record<string, unknown>;
export type Id = string | number;

export interface Item {
  id: Id;
  name?: string;
  /** BCP 47. */
  language?: string;
  /** An author's test. */
  preview?: boolean;
}
export interface Step {
  id?: Id;
  /** From 0. */
  index?: number;
  /** How many there are. */
  count?: number;
  name?: string;
}
export interface Named {
  id?: Id;
  name?: string;
}
export interface Goal extends Named {
  main?: boolean;
}
export interface Quiz {
  id?: Id;
  score?: number;
  passed?: boolean;
}
/** Why something failed: element_not_found, timed_out, condition, … */
export interface Failure {
  code: string;
  message?: string;
}
export interface Walkthru extends Item {
  steps?: readonly (string | Step)[];
}
export interface Start {
  /** What started it: launcher, menu, autoplay, url, … */
  trigger?: string;
  /** Which time this visitor plays it, from 1. Default: counted here. */
  iteration?: number;
  props?: Props;
}

/** One play of a walk-thru. All that it tells has its id. */
export interface Play {
  readonly id: string;
  /** A step was shown: its place in the walk-thru's steps, from 0, or the step. */
  step(step: number | Step, props?: Props): void;
  milestone(goal: Goal, props?: Props): void;
  goal(goal: Goal, props?: Props): void;
  complete(props?: Props): void;
  /** The user stopped it: closed, clicked_away, navigated, … */
  stop(reason?: string, props?: Props): void;
  fail(failure: Failure, props?: Props): void;
}
export interface WalkthruCalls {
  play(start?: Start): Play;
  /** It could not be played. */
  fail(failure: Failure, props?: Props): void;
}
export interface Items {
  launcher(item: Item): { show(props?: Props): void; click(props?: Props): void };
  shoutout(item: Item): {
    show(props?: Props): void;
    click(props?: Props): void;
    action(action: Named, props?: Props): void;
    close(reason?: string, props?: Props): void;
    snooze(reason?: string, props?: Props): void;
  };
  smarttip(item: Item): {
    show(props?: Props): void;
    interact(props?: Props): void;
    validationPass(props?: Props): void;
    validationFail(props?: Props): void;
  };
  survey(item: Item): {
    show(props?: Props): void;
    submit(answers: readonly { question: unknown; answer: unknown }[], props?: Props): void;
    dismiss(reason?: string, props?: Props): void;
  };
  /** A completion may come without a click before it. */
  task(item: Item): { click(props?: Props): void; complete(props?: Props): void };
  course(item: Item): {
    open(props?: Props): void;
    lessonStart(lesson: Named, props?: Props): void;
    lessonComplete(lesson: Named, props?: Props): void;
    quizStart(quiz: Quiz, props?: Props): void;
    quizSubmit(quiz: Quiz, props?: Props): void;
    complete(props?: Props): void;
  };
  resource(item: Item): { open(props?: Props): void };
  menu(item: Item): { open(props?: Props): void; close(props?: Props): void };
  search(item?: Item): {
    open(props?: Props): void;
    close(props?: Props): void;
    /** result is what was chosen; null says that nothing was found. */
    search(found: { query: string; result?: Named | null }, props?: Props): void;
  };
  autoplay(item: Item): { play(rule?: Named, props?: Props): void; alreadyPlayed(rule?: Named, props?: Props): void };
}

/** What the calls need of the recorder. */
export interface Teller {
  /** Tells an event: its type, data as the wire format has it, and properties. It never throws. */
  tell(type: string, data: Record<string, unknown>, props?: Props): void;
  /** Names one play of an item: <epoch ms>-<item>-<guid>. */
  interaction(id: Id | undefined): string;
  /** Counts this visitor's plays of an item, from 1. */
  iteration(id: Id): number;
}

/**
 * Each kind: its type in the wire format, then its calls as call[:member], where member is what the call's first argument is in data; ... puts
 * the argument's own members there. A + says that the calls of one item share an interaction. The event is the call's name, lessonStart as
 * lesson_start.
 */
const kinds: Record<string, string> = {
  launcher: "ln show click",
  shoutout: "so show click action:action close:dismissReason snooze:dismissReason",
  smarttip: "st show interact validationPass validationFail",
  survey: "sv+ show submit:answers dismiss:dismissReason",
  task: "tk click complete",
  course: "cr+ open lessonStart:lesson lessonComplete:lesson quizStart:quiz quizSubmit:quiz complete",
  resource: "rs open",
  menu: "mn open close",
  search: "sr open close search:...",
  autoplay: "ap play:rule alreadyPlayed:rule",
};
const plays = "wt step:step milestone:goal goal:goal complete stop:dismissReason fail:error";

/** newItems makes the calls of every kind but the walk-thru. */
export function newItems(teller: Teller): Items {
  const items: Record<string, unknown> = {};
  for (const [kind, table] of Object.entries(kinds)) {
    items[kind] = (item?: Item) => calls(table, dataOf(item), teller);
  }
  return items as unknown as Items;
}

/** newWalkthru makes the calls of a walk-thru. */
export function newWalkthru(teller: Teller): (walkthru: Walkthru) => WalkthruCalls {
  return (walkthru) => {
    const begin = (iteration?: number) => {
      const base = { ...dataOf(walkthru), pId: teller.interaction(walkthru?.id), iteration };
      let last: Step | undefined;
      const tell: Teller["tell"] = (type, data, props) => {
        last = type === "step" ? stepOf(data["step"] as number | Step, walkthru?.steps ?? []) : last;
        // A completion, a stop and a failure tell at which step it was.
        teller.tell(type === "fail" ? "play_failed" : type, type === "goal" || type === "milestone" ? data : { ...data, step: last }, props);
      };
      return { base, play: { ...calls(plays, base, { ...teller, tell }), id: base.pId } as unknown as Play };
    };
    return {
      play(start) {
        const { base, play } = begin(start?.iteration ?? teller.iteration(walkthru?.id));
        teller.tell("play", { type: "wt", ...base, pInit: start?.trigger && { type: start.trigger } }, start?.props);
        return play;
      },
      fail: (failure, props) => begin().play.fail(failure, props),
    };
  };
}

/** stepOf fills in what the walk-thru knows of a step. */
function stepOf(step: number | Step, steps: readonly (string | Step)[]): Step {
  const asked: Step = typeof step === "number" ? { index: step } : step;
  const index = asked.index ?? steps.findIndex((known) => typeof known === "object" && known.id !== undefined && known.id === asked.id);
  const known = steps[index];
  return { ...(steps.length && { count: steps.length }), ...(typeof known === "string" ? { name: known } : known), ...(index >= 0 && { index }), ...asked };
}

/** calls makes an object of the calls in table, each of which tells base and what its first argument is. */
function calls(table: string, base: Record<string, unknown>, teller: Teller): Record<string, (...all: any[]) => void> {
  const [kind, ...rest] = table.split(" ") as [string, ...string[]];
  const shared = kind.endsWith("+") && { pId: teller.interaction(base["oId"] as Id) };
  const out: Record<string, (...all: any[]) => void> = {};
  for (const one of rest) {
    const [call, member] = one.split(":") as [string, string?];
    const event = call.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase());
    out[call] = (first?: any, second?: Props) =>
      attempt(() => {
        const argument = member === "..." ? first : member && { [member]: first };
        teller.tell(event, { type: kind.slice(0, 2), ...base, ...shared, ...argument }, member ? second : first);
      });
  }
  return out;
}

/** dataOf is an item as the wire format has it. */
function dataOf(item?: Item): Record<string, unknown> {
  return { oId: item?.id, oName: item?.name, language: item?.language, preview: item?.preview };
}
