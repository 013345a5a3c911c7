// Package state says how the data of an account does: what was stored, how late, what could not be used, and whether what came in at the door is there.
package state

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/console/internal/ask"
)

var (
	//go:embed sql/stored.sql
	storedSQL string
	//go:embed sql/dead.sql
	deadSQL string
	//go:embed sql/door.sql
	doorSQL string
)

// A Region is where its data is, and who may be asked about it.
type Region struct {
	Conn *clickhouse.Conn
	// Kafka is nil where none is configured.
	Kafka *kafka.Client
	// Edges are the addresses of the admin ports of all edges, as http://edge:9600.
	Edges []string
}

// A Report is the answer. Parts that are not configured, or not for who asks, are nil.
type Report struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	AsOf    time.Time `json:"as_of"`
	Stored  *Stored   `json:"stored"`
	Dead    *Dead     `json:"dead"`
	Door    *Door     `json:"door"`
	Lag     *Lag      `json:"lag"`
}

// Stored is of the last day.
type Stored struct {
	Since  time.Time `json:"since"`
	Events any       `json:"events"`
	// Doubles are rows more than there are ids: of a client's repetitions beyond the enricher's window, until they are merged.
	Doubles        any    `json:"doubles"`
	LastInsertedAt any    `json:"last_inserted_at"`
	LastReceivedAt any    `json:"last_received_at"`
	P50            any    `json:"seconds_to_store_p50"`
	P99            any    `json:"seconds_to_store_p99"`
	Error          string `json:"error,omitempty"`
}

// Dead has the records of the last day that could not be used.
type Dead struct {
	Since   time.Time `json:"since"`
	Letters []Letters `json:"letters"`
	Error   string    `json:"error,omitempty"`
}

// Letters are those of one reason.
type Letters struct {
	Stage   any `json:"stage"`
	Reason  any `json:"reason"`
	Count   any `json:"count"`
	Last    any `json:"last"`
	Example any `json:"example"`
	// Replay is the command that sends them again, when their reason is gone.
	Replay string `json:"replay"`
}

// Lag is how many records the stages of a region have before them.
type Lag struct {
	Stages []StageLag `json:"stages"`
	Error  string     `json:"error,omitempty"`
}

// StageLag is one stage's, over all partitions of a topic.
type StageLag struct {
	Stage      string `json:"stage"`
	Topic      string `json:"topic"`
	Partitions int    `json:"partitions"`
	Records    int64  `json:"records"`
}

// What is asked for takes no longer.
const (
	queryTime = 10 * time.Second
	kafkaTime = 5 * time.Second
)

// Look makes a report of an account; operator has it tell of the whole region, too. A part that fails says so, and the others are there.
func (r Region) Look(ctx context.Context, account, region string, operator bool, client *http.Client) Report {
	now := time.Now().UTC().Truncate(time.Millisecond)
	report := Report{Account: account, Region: region, AsOf: now, Stored: r.stored(ctx, account, now), Dead: r.dead(ctx, account, region, now)}
	if operator && r.Kafka != nil {
		report.Lag = r.lag(ctx, region)
	}
	if operator && len(r.Edges) > 0 {
		report.Door = r.door(ctx, region, client)
	}
	return report
}

const day = 24 * time.Hour

func (r Region) stored(ctx context.Context, account string, now time.Time) *Stored {
	s := &Stored{Since: now.Add(-day)}
	rows, err := r.ask(ctx, storedSQL, map[string]string{"account": account})
	if err != nil || len(rows) != 1 {
		s.Error = unanswered
		return s
	}
	s.Events, s.Doubles = rows[0]["events"], rows[0]["doubles"]
	if fmt.Sprint(s.Events) == "0" {
		return s
	}
	s.LastInsertedAt, s.LastReceivedAt = rows[0]["last_inserted_at"], rows[0]["last_received_at"]
	if quantiles, is := rows[0]["seconds_to_store"].([]any); is && len(quantiles) == 2 {
		s.P50, s.P99 = quantiles[0], quantiles[1]
	}
	return s
}

func (r Region) dead(ctx context.Context, account, region string, now time.Time) *Dead {
	d := &Dead{Since: now.Add(-day), Letters: []Letters{}}
	rows, err := r.ask(ctx, deadSQL, map[string]string{"account": account})
	if err != nil {
		d.Error = unanswered
		return d
	}
	for _, row := range rows {
		d.Letters = append(d.Letters, Letters{
			Stage: row["stage"], Reason: row["reason"], Count: row["letters"], Last: row["last"], Example: row["example"],
			Replay: replay(region, account, fmt.Sprint(row["stage"]), fmt.Sprint(row["reason"])),
		})
	}
	return d
}

// word is what may stand in a command that somebody pastes into a shell.
var word = regexp.MustCompile(`^[a-z0-9_-]+$`)

// replay is the command that sends dead letters of the last day again; empty where a part of it could be read as something else.
func replay(region, account, stage, reason string) string {
	for _, part := range []string{region, account, stage, reason} {
		if !word.MatchString(part) {
			return ""
		}
	}
	return "waymarkctl dead replay --region " + region + " --account " + account + " --stage " + stage + " --reason " + reason + " --from=-24h"
}

func (r Region) lag(ctx context.Context, region string) *Lag {
	ctx, cancel := context.WithTimeout(ctx, kafkaTime)
	defer cancel()
	lag := &Lag{Stages: []StageLag{}}
	for _, stage := range []struct{ name, group, topic string }{
		{"enricher", schemas.EnricherGroup(region), schemas.RawTopic(region)},
		{"sink", schemas.SinkGroup(region), schemas.EnrichedTopic(region)},
		{"sink", schemas.SinkGroup(region), schemas.DeadTopic(region)},
	} {
		bounds, err := r.Kafka.Offsets(ctx, stage.topic)
		if err != nil {
			lag.Error = "Kafka does not answer."
			return lag
		}
		committed, err := r.Kafka.Committed(ctx, stage.group, stage.topic)
		if err != nil || len(committed) < len(bounds) {
			lag.Error = "Kafka does not answer."
			return lag
		}
		of := StageLag{Stage: stage.name, Topic: stage.topic, Partitions: len(bounds)}
		for i, b := range bounds {
			of.Records += max(0, b.End-max(committed[i].Offset, b.Start))
		}
		lag.Stages = append(lag.Stages, of)
	}
	return lag
}

const unanswered = "ClickHouse does not answer."

// ask returns rows as objects.
func (r Region) ask(ctx context.Context, statement string, parameters map[string]string) ([]map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	answer, err := r.Conn.Ask(ctx, clickhouse.Question{Statement: statement, Parameters: parameters, Time: queryTime})
	if err != nil {
		return nil, err
	}
	var rows []map[string]any
	for _, row := range answer.Rows {
		rows = append(rows, ask.Object(answer.Names, answer.Types, row))
	}
	return rows, nil
}

func milliseconds(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }
