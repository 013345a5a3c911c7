// Package ask has ClickHouse answer questions, each within its limits, and tells why it could not.
package ask

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/console/internal/question"
)

// Limits of what is asked.
type Limits struct {
	// Time and Memory of one query, Rows of one answer.
	Time   time.Duration
	Memory uint64
	Rows   int
	// PerUser and WaitingPerUser are how many of one user's questions are asked and wait at once, AtOnce how many of all users in one region.
	PerUser, WaitingPerUser, AtOnce int
	// Patience is how long a question waits its turn.
	Patience time.Duration
	// Keep is how long an answer serves equal questions.
	Keep time.Duration
}

// An Asker asks the databases of regions. It is safe for concurrent use.
type Asker struct {
	limits  Limits
	regions map[string]*region
	turns   *turns
	flights *flights
	seconds *prometheus.HistogramVec
}

type region struct {
	conn  *clickhouse.Conn
	slots *semaphore.Weighted
}

// New makes an asker of the regions' databases. Metrics go to reg.
func New(conns map[string]*clickhouse.Conn, limits Limits, reg prometheus.Registerer) (*Asker, error) {
	a := &Asker{
		limits: limits, regions: make(map[string]*region), turns: newTurns(limits.PerUser, limits.WaitingPerUser, limits.Patience), flights: newFlights(limits.Keep),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "waymark_console_query_seconds", Help: "Time of ClickHouse's queries, by what was asked (a question's name, or sql) and how it ended (ok, or an error's code).",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 10, 30},
		}, []string{"region", "question", "result"}),
	}
	for name, conn := range conns {
		a.regions[name] = &region{conn, semaphore.NewWeighted(int64(limits.AtOnce))}
	}
	return a, telemetry.Register(reg, a.seconds)
}

// A Request is a question that has been checked.
type Request struct {
	User, Region string
	Question     *question.Question
	Values       map[string]string
}

// Ask answers a request. When ctx ends and nobody else waits for the same answer, the query is ended. Errors are *Failure.
func (a *Asker) Ask(ctx context.Context, r Request) (*Answer, error) {
	done, err := a.turns.take(ctx, r.User)
	if err != nil {
		return nil, failure(ctx, err)
	}
	defer done()
	region := a.regions[r.Region]
	if region == nil {
		return nil, &Failure{Code: CodeSetup, Message: "The account's region is not among those of this console.", Err: errors.New("region not configured")}
	}
	shown := r.Question.Shown(r.Values)
	answer, shared, err := a.flights.do(ctx, r.Region+"\x00"+r.Question.Name+"\x00"+shown, func(ctx context.Context) (*Answer, error) {
		answer, err := a.query(ctx, r.Region, r.Question.Name, region.slots, shown, clickhouse.Question{Statement: r.Question.SQL, Parameters: r.Values}, region.conn.Ask)
		if err != nil {
			return nil, err
		}
		answer.Question = r.Question.Name
		for i := range answer.Columns {
			answer.Columns[i].Unit = r.Question.UnitOf(answer.Columns[i].Name)
		}
		return answer, nil
	})
	if err != nil {
		return nil, failure(ctx, err)
	}
	if shared {
		copied := *answer
		copied.Cached = true
		answer = &copied
	}
	return answer, nil
}

// SQL runs somebody's own statement with conn, which may see no more than they may. Errors are *Failure; those of the statement have CodeSQL.
func (a *Asker) SQL(ctx context.Context, user, regionName string, conn *clickhouse.Conn, statement string, limit time.Duration) (*Answer, error) {
	done, err := a.turns.take(ctx, user)
	if err != nil {
		return nil, failure(ctx, err)
	}
	defer done()
	region := a.regions[regionName]
	if region == nil {
		return nil, &Failure{Code: CodeSetup, Message: "The account's region is not among those of this console.", Err: errors.New("region not configured")}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	answer, err := a.query(ctx, regionName, "sql", region.slots, statement, clickhouse.Question{Statement: statement, Time: limit}, conn.AskAlone)
	if err != nil {
		f := failure(ctx, err)
		if code, sentence, is := clickhouse.Exception(err); is && (f.Code == CodeBug || f.Code == CodeSetup || f.Code == CodeParameter || slices.Contains(userLimits, code)) {
			return nil, &Failure{Code: CodeSQL, Message: brief(sentence), Err: err}
		}
		return nil, f
	}
	return answer, nil
}

// userLimits are refusals of statements that take more than the user's profile lets them: TOO_MANY_ROWS, MEMORY_LIMIT_EXCEEDED, TOO_MANY_BYTES,
// TOO_MANY_ROWS_OR_BYTES. ClickHouse's sentence says which limit it is, and whoever wrote the statement can act on it.
var userLimits = []int32{158, 241, 307, 396}

// errSlow is the cause of a context's end whose query took too long.
var errSlow = errors.New("the query took too long")

func (a *Asker) query(ctx context.Context, regionName, name string, slots *semaphore.Weighted, shown string, q clickhouse.Question,
	run func(context.Context, clickhouse.Question) (*clickhouse.Answer, error),
) (*Answer, error) {
	if err := acquire(ctx, slots, a.limits.Patience); err != nil {
		return nil, err
	}
	defer slots.Release(1)
	if q.Time == 0 {
		q.Time = a.limits.Time
	}
	q.Rows, q.Memory = a.limits.Rows, a.limits.Memory
	ctx, cancel := context.WithTimeoutCause(ctx, q.Time, errSlow)
	defer cancel()
	asked := time.Now()
	answer, err := run(ctx, q)
	result := "ok"
	if err != nil {
		f := failure(ctx, err)
		result = f.Code
		a.seconds.WithLabelValues(regionName, name, result).Observe(time.Since(asked).Seconds())
		return nil, f
	}
	a.seconds.WithLabelValues(regionName, name, result).Observe(time.Since(asked).Seconds())
	return newAnswer(answer, shown, asked), nil
}

// mostSentence bounds what is shown of the server's sentences, in bytes.
const mostSentence = 2000

func brief(sentence string) string {
	sentence = strings.ToValidUTF8(strings.TrimSpace(sentence), "\uFFFD")
	if len(sentence) > mostSentence {
		sentence = strings.ToValidUTF8(sentence[:mostSentence], "") + "…"
	}
	return sentence
}
