import type { Row } from "../api";
import { useAsk } from "../asked";
import { count, number, rate } from "../format";
import { asParams, useScope } from "../session";
import { Figure } from "../ui/figure";
import { ItemLink } from "../ui/links";
import { Bar } from "../ui/table";

export default function Courses() {
  const scope = useScope();
  const asked = useAsk("course_progress", asParams(scope));
  return (
    <div class="grid">
      <Figure
        title="Courses"
        asked={asked}
        wide
        size="small"
        rows={(rows) => rows.map((row) => ({ ...row, item_type: "course" }))}
        empty="No course was opened in these days."
        columns={[
          { name: "item_name", label: "Course", cell: (row) => <ItemLink row={row} /> },
          { name: "opened_users", label: "Opened", unit: "users", bar: true },
          { name: "started_users", label: "Began a lesson", unit: "users" },
          { name: "completed_users", label: "Completed", unit: "users" },
          { name: "completion_rate", label: "Completion", unit: "rate" },
          { name: "lessons_completed_mean", label: "Lessons done, mean", unit: "number", minor: true },
        ]}
      />
      <Lessons item="" />
      <Quizzes item="" />
    </div>
  );
}

/** Who began each lesson and who completed it. */
export function Lessons({ item }: { item: string }) {
  const scope = useScope();
  const asked = useAsk("course_lessons", { ...asParams(scope), item });
  return <Figure title="Lessons" note="Users who began each, and the part of them that completed it" asked={asked} empty="No lesson was begun in these days." chart={(rows) => <LessonBars rows={rows} />} />;
}

function LessonBars({ rows }: { rows: readonly Row[] }) {
  const most = Math.max(...rows.map((row) => number(row["started_users"]) || 0), 1);
  return (
    <ul class="bars">
      {rows.slice(0, 20).map((row, i) => (
        <li key={i}>
          <bdi class="clip">{String(row["lesson_name"] || row["lesson_id"])}</bdi>
          <span class="bars-value">{count(row["completed_users"])} <span class="muted">of {count(row["started_users"])} · {rate(number(row["completed_users"]) / number(row["started_users"]))}</span></span>
          <Bar share={number(row["started_users"]) / most} tone={5} />
          <Bar share={number(row["completed_users"]) / most} />
        </li>
      ))}
    </ul>
  );
}

/** Takers, who passed, and the scores. */
export function Quizzes({ item }: { item: string }) {
  const scope = useScope();
  const asked = useAsk("quiz_results", { ...asParams(scope), item });
  return (
    <Figure
      title="Quizzes"
      asked={asked}
      empty="No quiz was submitted in these days."
      columns={[
        { name: "quiz_id", label: "Quiz", unit: "text" },
        { name: "item_name", label: "Course", unit: "text", minor: true },
        { name: "takers", unit: "users" },
        { name: "submissions", unit: "count", minor: true },
        { name: "pass_rate", label: "Passed", unit: "rate" },
        { name: "score_median", label: "Score, median", unit: "number" },
        { name: "score_mean", label: "Mean", unit: "number", minor: true },
      ]}
    />
  );
}
