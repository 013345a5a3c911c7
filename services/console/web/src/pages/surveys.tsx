import type { Row } from "../api";
import { useAsk } from "../asked";
import { count, number } from "../format";
import { asParams, useScope } from "../session";
import { Figure } from "../ui/figure";
import { ItemLink } from "../ui/links";
import { Bars, Parts } from "../ui/shapes";

export default function Surveys() {
  const scope = useScope();
  const items = useAsk("item_engagement", asParams(scope));
  return (
    <div class="grid">
      <div class="column">
        <Figure
          title="Surveys"
          asked={items}
          size="small"
          rows={(rows) => rows.filter((row) => row["item_type"] === "survey")}
          sort="-exposed_users"
          empty="No survey was shown in these days."
          columns={[
            { name: "item_name", label: "Survey", cell: (row) => <ItemLink row={row} /> },
            { name: "exposed_users", label: "Saw it", unit: "users" },
            { name: "interacting_users", label: "Answered", unit: "users", bar: true },
            { name: "engagement_rate", label: "Response", unit: "rate" },
            { name: "dismissed", label: "Dismissed", unit: "plays", minor: true },
          ]}
        />
        <Nps item="" />
      </div>
      <SurveyAnswers item="" />
    </div>
  );
}

/** What was answered, question by question. */
/** A score in whole points: +4, -12, and 0 for what rounds to it from either side. */
function points(score: number): string {
  const whole = Math.round(score) || 0;
  return (whole > 0 ? "+" : "") + count(whole);
}

export function SurveyAnswers({ item }: { item: string }) {
  const scope = useScope();
  const asked = useAsk("survey_results", { ...asParams(scope), item });
  return <Figure title="Answers" asked={asked} size="large" empty="Nobody has answered in these days." chart={(rows) => <Questions rows={rows} />} limit={40} />;
}

function Questions({ rows }: { rows: readonly Row[] }) {
  const groups = Map.groupBy(rows, (row) => `${row["item_id"]}\n${row["question"]}`);
  return (
    <div class="questions">
      {[...groups].slice(0, 20).map(([key, answers]) => {
        const numeric = answers.every((row) => /^\d+$/.test(String(row["answer"])));
        const ordered = numeric ? [...answers].sort((a, b) => number(b["answer"]) - number(a["answer"])) : answers;
        return (
          <section key={key}>
            <h3><bdi>{String(answers[0]!["question"] || "Question without a name")}</bdi></h3>
            <p class="muted small"><bdi class="clip">{String(answers[0]!["item_name"] ?? "")}</bdi> · {count(answers.reduce((sum, row) => sum + (number(row["answers"]) || 0), 0))} answers</p>
            <Bars rows={ordered} name={(row) => String(row["answer"] ?? "")} value="answers" share="share" limit={11} />
          </section>
        );
      })}
    </div>
  );
}

/** The Net Promoter Score of questions answered from 0 to 10. */
export function Nps({ item }: { item: string }) {
  const scope = useScope();
  const asked = useAsk("survey_nps", { ...asParams(scope), item });
  return (
    <Figure
      title="Net Promoter Score"
      note="Of answers from 0 to 10: −100 to 100"
      asked={asked}
      empty="No question was answered with 0 to 10 in these days."
      chart={(rows) => (
        <div class="questions">
          {rows.map((row, i) => (
            <section key={i} class="nps">
              <p class="nps-score">{points(number(row["nps"]))}</p>
              <div>
                <h3><bdi>{String(row["question"])}</bdi></h3>
                <p class="muted small"><bdi class="clip">{String(row["item_name"])}</bdi> · {count(row["answers"])} answers</p>
                <Parts parts={[{ name: "Promoters", value: number(row["promoters"]), tone: 1 }, { name: "Passives", value: number(row["passives"]), tone: 5 }, { name: "Detractors", value: number(row["detractors"]), tone: 2 }]} />
              </div>
            </section>
          ))}
        </div>
      )}
    />
  );
}

